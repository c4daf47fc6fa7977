package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"weir.dev/tests/interop/harness"
)

func withAdmin(body func(context.Context, *kadm.Client) error) func(context.Context) error {
	return func(ctx context.Context) error {
		client := newClient()
		defer client.Close()
		return body(ctx, kadm.NewClient(client))
	}
}

func pointer(text string) *string { return &text }

func configOf(configs kadm.ResourceConfigs, name string) string {
	for _, resource := range configs {
		for _, c := range resource.Configs {
			if c.Key == name {
				return c.MaybeValue()
			}
		}
	}
	return "(not there)"
}

func adminChecks() []harness.Check {
	return []harness.Check{
		{"the cluster is described: one broker, which is the controller", withAdmin(func(ctx context.Context, admin *kadm.Client) error {
			meta, err := admin.BrokerMetadata(ctx)
			if err != nil {
				return err
			}
			return errors.Join(harness.Equal("brokers", len(meta.Brokers), 1), harness.Equal("controller", meta.Controller, 1),
				harness.Equal("length of the cluster id", len(meta.Cluster), 22))
		})},
		{"a topic is created with settings, described, and deleted", withAdmin(func(ctx context.Context, admin *kadm.Client) error {
			made, err := admin.CreateTopic(ctx, 4, 1, map[string]*string{"retention.ms": pointer("123456")}, "go-made")
			if err != nil {
				return err
			}
			if err := harness.Equal("partitions", made.NumPartitions, 4); err != nil {
				return err
			}
			if _, err := admin.CreateTopic(ctx, 1, 1, nil, "go-made"); !errors.Is(err, kerr.TopicAlreadyExists) {
				return fmt.Errorf("creating it again gave %v", err)
			}
			topics, err := admin.ListTopics(ctx, "go-made")
			if err != nil {
				return err
			}
			if err := errors.Join(harness.Equal("described partitions", len(topics["go-made"].Partitions), 4),
				harness.Equal("topic id", topics["go-made"].ID, made.ID)); err != nil {
				return err
			}
			configs, err := admin.DescribeTopicConfigs(ctx, "go-made")
			if err != nil {
				return err
			}
			if err := harness.Equal("retention.ms", configOf(configs, "retention.ms"), "123456"); err != nil {
				return err
			}
			if _, err := admin.DeleteTopic(ctx, "go-made"); err != nil {
				return err
			}
			return harness.Eventually(ctx, "the topic is gone", func() (bool, error) {
				topics, err := admin.ListTopics(ctx)
				return !topics.Has("go-made"), err
			})
		})},
		{"settings are altered one by one, appended to, and reset", withAdmin(func(ctx context.Context, admin *kadm.Client) error {
			if _, err := admin.CreateTopic(ctx, 1, 1, nil, "go-config"); err != nil {
				return err
			}
			alter := func(changes ...kadm.AlterConfig) error {
				answers, err := admin.AlterTopicConfigs(ctx, changes, "go-config")
				if err != nil {
					return err
				}
				return answers[0].Err
			}
			value := func(name, wanted string) error {
				return harness.Eventually(ctx, name+" becomes "+wanted, func() (bool, error) {
					configs, err := admin.DescribeTopicConfigs(ctx, "go-config")
					return configOf(configs, name) == wanted, err
				})
			}
			if err := alter(kadm.AlterConfig{Op: kadm.SetConfig, Name: "max.message.bytes", Value: pointer("54321")},
				kadm.AlterConfig{Op: kadm.SetConfig, Name: "cleanup.policy", Value: pointer("delete")}); err != nil {
				return err
			}
			if err := value("max.message.bytes", "54321"); err != nil {
				return err
			}
			if err := alter(kadm.AlterConfig{Op: kadm.AppendConfig, Name: "cleanup.policy", Value: pointer("compact")}); err != nil {
				return err
			}
			if err := value("cleanup.policy", "delete,compact"); err != nil {
				return err
			}
			if err := alter(kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "max.message.bytes"}); err != nil {
				return err
			}
			if err := value("max.message.bytes", "1048588"); err != nil {
				return err
			}
			if err := alter(kadm.AlterConfig{Op: kadm.SetConfig, Name: "no.such.setting", Value: pointer("1")}); !errors.Is(err, kerr.InvalidConfig) {
				return fmt.Errorf("an unknown setting was answered with %v", err)
			}
			return nil
		})},
		{"partitions are added", withAdmin(func(ctx context.Context, admin *kadm.Client) error {
			if _, err := admin.CreateTopic(ctx, 1, 1, nil, "go-grows"); err != nil {
				return err
			}
			answers, err := admin.CreatePartitions(ctx, 2, "go-grows")
			if err != nil {
				return err
			}
			if err := answers["go-grows"].Err; err != nil {
				return err
			}
			return harness.Eventually(ctx, "three partitions", func() (bool, error) {
				topics, err := admin.ListTopics(ctx, "go-grows")
				return len(topics["go-grows"].Partitions) == 3, err
			})
		})},
		{"records are deleted up to an offset", withAdmin(func(ctx context.Context, admin *kadm.Client) error {
			if err := createTopic(ctx, "go-deleted", 1); err != nil {
				return err
			}
			client := newClient(kgo.DefaultProduceTopic("go-deleted"))
			defer client.Close()
			if err := client.ProduceSync(ctx, numbered("go-deleted", 100)...).FirstErr(); err != nil {
				return err
			}
			var until kadm.Offsets
			until.Add(kadm.Offset{Topic: "go-deleted", Partition: 0, At: 60, LeaderEpoch: -1})
			answers, err := admin.DeleteRecords(ctx, until)
			if err != nil {
				return err
			}
			answer := answers["go-deleted"][0]
			if err := errors.Join(answer.Err, harness.Equal("low watermark", answer.LowWatermark, 60)); err != nil {
				return err
			}
			starts, err := admin.ListStartOffsets(ctx, "go-deleted")
			if err != nil {
				return err
			}
			first, _ := starts.Lookup("go-deleted", 0)
			return harness.Equal("log start offset", first.Offset, 60)
		})},
		{"offsets of a group are set, read, deleted; the group is listed, described and deleted", withAdmin(func(ctx context.Context, admin *kadm.Client) error {
			if err := createTopic(ctx, "go-committed", 2); err != nil {
				return err
			}
			var wanted kadm.Offsets
			wanted.Add(kadm.Offset{Topic: "go-committed", Partition: 0, At: 7, LeaderEpoch: -1, Metadata: "note"})
			wanted.Add(kadm.Offset{Topic: "go-committed", Partition: 1, At: 8, LeaderEpoch: -1})
			if err := admin.CommitAllOffsets(ctx, "go-simple", wanted); err != nil {
				return err
			}
			found, err := admin.FetchOffsets(ctx, "go-simple")
			if err != nil {
				return err
			}
			first, _ := found.Lookup("go-committed", 0)
			if err := errors.Join(harness.Equal("offset", first.At, 7), harness.Equal("metadata", first.Metadata, "note")); err != nil {
				return err
			}
			listed, err := admin.ListGroups(ctx)
			if err != nil {
				return err
			}
			if !slices.Contains(listed.Groups(), "go-simple") {
				return fmt.Errorf("listed are %v", listed.Groups())
			}
			described, err := admin.DescribeGroups(ctx, "go-simple")
			if err != nil {
				return err
			}
			if err := harness.Equal("state", described["go-simple"].State, "Empty"); err != nil {
				return err
			}
			var one kadm.TopicsSet
			one.Add("go-committed", 1)
			if _, err := admin.DeleteOffsets(ctx, "go-simple", one); err != nil {
				return err
			}
			found, err = admin.FetchOffsets(ctx, "go-simple")
			if err != nil {
				return err
			}
			if _, there := found.Lookup("go-committed", 1); there {
				return errors.New("the deleted offset is still there")
			}
			deleted, err := admin.DeleteGroups(ctx, "go-simple")
			if err != nil {
				return err
			}
			if err := deleted["go-simple"].Err; err != nil {
				return err
			}
			again, err := admin.DeleteGroups(ctx, "go-simple")
			if err != nil {
				return err
			}
			if !errors.Is(again["go-simple"].Err, kerr.GroupIDNotFound) {
				return fmt.Errorf("deleting it again gave %v", again["go-simple"].Err)
			}
			return nil
		})},
		{"log directories, the quorum and API versions are described", withAdmin(func(ctx context.Context, admin *kadm.Client) error {
			if err := createTopic(ctx, "go-dirs", 2); err != nil {
				return err
			}
			dirs, err := admin.DescribeAllLogDirs(ctx, nil)
			if err != nil {
				return err
			}
			var mine int
			dirs[1].EachPartition(func(p kadm.DescribedLogDirPartition) {
				if p.Topic == "go-dirs" {
					mine++
				}
			})
			versions, err := admin.ApiVersions(ctx)
			if err != nil {
				return err
			}
			broker := versions[1]
			oldest, newest, _ := broker.KeyVersions(1)
			return errors.Join(harness.Equal("partitions of go-dirs in log directories", mine, 2),
				harness.Equal("oldest fetch version", oldest, 4), harness.Equal("newest fetch version at least 13", newest >= 13, true))
		})},
	}
}
