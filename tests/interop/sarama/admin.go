package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"weir.dev/tests/interop/harness"
)

func withAdmin(body func(context.Context, sarama.ClusterAdmin) error) func(context.Context) error {
	return func(ctx context.Context) error {
		admin, err := sarama.NewClusterAdmin(bootstrap, settings(sarama.MaxVersion))
		if err != nil {
			return err
		}
		defer admin.Close()
		return body(ctx, admin)
	}
}

func refusedWith(what string, err, wanted error) error {
	if !errors.Is(err, wanted) {
		return fmt.Errorf("%s was answered with %v, not %v", what, err, wanted)
	}
	return nil
}

func adminChecks() []harness.Check {
	pointer := func(text string) *string { return &text }
	return []harness.Check{
		{Title: "topics are created, grown, described and deleted by clients of every release", Body: func(ctx context.Context) error {
			for _, release := range releases {
				admin, err := sarama.NewClusterAdmin(bootstrap, settings(release))
				if err != nil {
					return err
				}
				defer admin.Close()
				const name = "sarama-topic"
				detail := sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1,
					ConfigEntries: map[string]*string{"retention.ms": pointer("123456")}}
				if err := admin.CreateTopic(name, &detail, false); err != nil {
					return fmt.Errorf("a client of Kafka %v: %w", release, err)
				}
				if err := errors.Join(refusedWith("creating it again", admin.CreateTopic(name, &detail, false), sarama.ErrTopicAlreadyExists),
					admin.CreatePartitions(name, 3, nil, false),
					refusedWith("two partitions instead of three", admin.CreatePartitions(name, 2, nil, false), sarama.ErrInvalidPartitions)); err != nil {
					return err
				}
				if err := harness.Eventually(ctx, "three partitions", func() (bool, error) {
					topics, err := admin.DescribeTopics([]string{name})
					return err == nil && len(topics[0].Partitions) == 3, err
				}); err != nil {
					return err
				}
				if err := errors.Join(admin.DeleteTopic(name),
					refusedWith("deleting it again", admin.DeleteTopic(name), sarama.ErrUnknownTopicOrPartition)); err != nil {
					return err
				}
				if err := harness.Eventually(ctx, "the topic is gone", func() (bool, error) {
					topics, err := admin.DescribeTopics([]string{name})
					return err == nil && topics[0].Err == sarama.ErrUnknownTopicOrPartition, err
				}); err != nil {
					return err
				}
			}
			return nil
		}},
		{Title: "settings are replaced, changed one by one, and read with their origin",
			Body: withAdmin(func(ctx context.Context, admin sarama.ClusterAdmin) error {
				const name = "sarama-settings"
				if err := createTopic(name, 1, nil); err != nil {
					return err
				}
				becomes := func(key, value string, source sarama.ConfigSource) error {
					return harness.Eventually(ctx, key+" becomes "+value, func() (bool, error) {
						entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: name, ConfigNames: []string{key}})
						return len(entries) == 1 && entries[0].Value == value && entries[0].Source == source, err
					})
				}
				change := func(key string, operation sarama.IncrementalAlterConfigsOperation, value *string) error {
					return admin.IncrementalAlterConfig(sarama.TopicResource, name,
						map[string]sarama.IncrementalAlterConfigsEntry{key: {Operation: operation, Value: value}}, false)
				}
				if err := errors.Join(change("retention.ms", sarama.IncrementalAlterConfigsOperationSet, pointer("77")),
					becomes("retention.ms", "77", sarama.SourceTopic),
					change("cleanup.policy", sarama.IncrementalAlterConfigsOperationAppend, pointer("compact")),
					becomes("cleanup.policy", "delete,compact", sarama.SourceTopic)); err != nil {
					return err
				}
				// The older request replaces all settings: what it does not name goes back to its default.
				if err := errors.Join(admin.AlterConfig(sarama.TopicResource, name, map[string]*string{"max.message.bytes": pointer("5000")}, false),
					becomes("max.message.bytes", "5000", sarama.SourceTopic), becomes("cleanup.policy", "delete", sarama.SourceDefault)); err != nil {
					return err
				}
				return refusedWith("an unknown setting", change("no.such.setting", sarama.IncrementalAlterConfigsOperationSet, pointer("1")),
					sarama.ErrInvalidConfig)
			})},
		{Title: "records are deleted up to an offset",
			Body: withAdmin(func(ctx context.Context, admin sarama.ClusterAdmin) error {
				const name = "sarama-deleted"
				if err := createTopic(name, 1, nil); err != nil {
					return err
				}
				if err := send(settings(sarama.MaxVersion), numbered(name, 0, 10)...); err != nil {
					return err
				}
				if err := admin.DeleteRecords(name, map[int32]int64{0: 6}); err != nil {
					return err
				}
				found, err := read(ctx, settings(sarama.MaxVersion), name, sarama.OffsetOldest, 4)
				if err != nil {
					return err
				}
				return errors.Join(harness.Equal("first offset", found[0].Offset, int64(6)),
					refusedWith("deleting more than there is", admin.DeleteRecords(name, map[int32]int64{0: 11}), sarama.ErrOffsetOutOfRange))
			})},
		{Title: "offsets of a group are set, read and deleted; the group is listed and deleted",
			Body: withAdmin(func(ctx context.Context, admin sarama.ClusterAdmin) error {
				const group, topic = "sarama-simple", "sarama-offsets"
				if err := createTopic(topic, 2, nil); err != nil {
					return err
				}
				set, err := admin.AlterConsumerGroupOffsets(group, map[string]map[int32]sarama.OffsetAndMetadata{
					topic: {0: {Offset: 7, Metadata: "note", LeaderEpoch: -1}, 1: {Offset: 8, LeaderEpoch: -1}, 2: {Offset: 9, LeaderEpoch: -1}}}, nil)
				if err != nil {
					return err
				}
				if err := errors.Join(harness.Equal("answer for a partition that is there", set.Errors[topic][0], sarama.ErrNoError),
					harness.Equal("answer for one that is not", set.Errors[topic][2], sarama.ErrUnknownTopicOrPartition)); err != nil {
					return err
				}
				groups, err := admin.ListConsumerGroups()
				if err != nil {
					return err
				}
				if _, listed := groups[group]; !listed {
					return fmt.Errorf("listed are %v", groups)
				}
				if err := admin.DeleteConsumerGroupOffset(group, topic, 1); err != nil {
					return err
				}
				found, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0, 1}})
				if err != nil {
					return err
				}
				kept, deleted := found.GetBlock(topic, 0), found.GetBlock(topic, 1)
				return errors.Join(harness.Equal("offset", kept.Offset, 7), harness.Equal("metadata", kept.Metadata, "note"),
					harness.Equal("deleted offset", deleted.Offset, -1), admin.DeleteConsumerGroup(group),
					refusedWith("deleting the group again", admin.DeleteConsumerGroup(group), sarama.ErrGroupIDNotFound))
			})},
		{Title: "a partition stays on its only replica, and reassignments that cannot be are refused",
			Body: withAdmin(func(ctx context.Context, admin sarama.ClusterAdmin) error {
				const name = "sarama-assigned"
				if err := createTopic(name, 1, nil); err != nil {
					return err
				}
				if err := admin.AlterPartitionReassignments(name, [][]int32{{1}}); err != nil {
					return err
				}
				under, err := admin.ListPartitionReassignments(name, []int32{0})
				if err != nil {
					return err
				}
				// Sarama wraps what a topic is refused with so that errors.Is does not find it.
				if err := admin.AlterPartitionReassignments(name, [][]int32{{7}}); err == nil {
					return errors.New("a broker that is not there was taken as a replica")
				}
				return harness.Equal("reassignments under way", len(under), 0)
			})},
	}
}
