package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"weir.dev/tests/interop/harness"
)

func createTopic(ctx context.Context, name string, partitions int32) error {
	client := newClient()
	defer client.Close()
	_, err := kadm.NewClient(client).CreateTopic(ctx, partitions, 1, nil, name)
	return err
}

func numbered(topic string, count int) []*kgo.Record {
	records := make([]*kgo.Record, count)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "key-%d", i), Value: fmt.Appendf(nil, "value-%d", i),
			Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Appendf(nil, "%d", i)}, {Key: "none", Value: nil}}}
	}
	return records
}

// take reads until `count` records came and fails on a record that came twice.
func take(ctx context.Context, client *kgo.Client, count int, into map[string]*kgo.Record) error {
	for len(into) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("after %d of %d records: %w", len(into), count, err)
		}
		var twice error
		fetches.EachRecord(func(r *kgo.Record) {
			if _, seen := into[string(r.Key)]; seen {
				twice = fmt.Errorf("%s came twice", r.Key)
			}
			into[string(r.Key)] = r
		})
		if twice != nil {
			return twice
		}
	}
	return nil
}

func roundTrip(ctx context.Context, topic string, options ...kgo.Opt) error {
	if err := createTopic(ctx, topic, 3); err != nil {
		return err
	}
	producer := newClient(options...)
	defer producer.Close()
	const count = 3000
	if err := producer.ProduceSync(ctx, numbered(topic, count)...).FirstErr(); err != nil {
		return err
	}
	consumer := newClient(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer consumer.Close()
	found := map[string]*kgo.Record{}
	if err := take(ctx, consumer, count, found); err != nil {
		return err
	}
	for _, sent := range numbered(topic, count) {
		got := found[string(sent.Key)]
		if got == nil || string(got.Value) != string(sent.Value) {
			return fmt.Errorf("%s came as %v", sent.Key, got)
		}
		if len(got.Headers) != 2 || string(got.Headers[0].Value) != string(sent.Headers[0].Value) || got.Headers[1].Value != nil {
			return fmt.Errorf("the headers of %s came as %v", sent.Key, got.Headers)
		}
	}
	return nil
}

// groupOfThree: three members, one leaves in the middle; everything is read, and committed offsets reach the end.
func groupOfThree(ctx context.Context, topic string, balancer kgo.GroupBalancer) error {
	const count, partitions = 2000, 6
	if err := createTopic(ctx, topic, partitions); err != nil {
		return err
	}
	producer := newClient()
	defer producer.Close()
	records := numbered(topic, count)
	if err := producer.ProduceSync(ctx, records[:count/2]...).FirstErr(); err != nil {
		return err
	}
	var lock sync.Mutex
	found := map[string]bool{}
	var members []*kgo.Client
	var done sync.WaitGroup
	for range 3 {
		member := newClient(kgo.ConsumerGroup(topic+"-group"), kgo.ConsumeTopics(topic), kgo.Balancers(balancer),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(10*time.Second),
			kgo.HeartbeatInterval(200*time.Millisecond), kgo.AutoCommitInterval(100*time.Millisecond))
		members = append(members, member)
		done.Add(1)
		go func() {
			defer done.Done()
			for {
				fetches := member.PollFetches(ctx)
				if fetches.IsClientClosed() || ctx.Err() != nil {
					return
				}
				lock.Lock()
				fetches.EachRecord(func(r *kgo.Record) { found[string(r.Key)] = true })
				lock.Unlock()
			}
		}()
	}
	closeAll := func() {
		for _, member := range members {
			member.Close()
		}
		done.Wait()
	}
	defer closeAll()
	admin := kadm.NewClient(producer)
	read := func(wanted int) error {
		return harness.Eventually(ctx, fmt.Sprintf("%d records read", wanted), func() (bool, error) {
			lock.Lock()
			defer lock.Unlock()
			return len(found) >= wanted, nil
		})
	}
	settled := func(wanted int) error {
		return harness.Eventually(ctx, fmt.Sprintf("%d members with %d partitions between them", wanted, partitions), func() (bool, error) {
			groups, err := admin.DescribeGroups(ctx, topic+"-group")
			if err != nil {
				return false, err
			}
			group := groups[topic+"-group"]
			owned := 0
			for _, member := range group.Members {
				if assigned, ok := member.Assigned.AsConsumer(); ok {
					for _, t := range assigned.Topics {
						owned += len(t.Partitions)
					}
				}
			}
			return group.State == "Stable" && len(group.Members) == wanted && owned == partitions, nil
		})
	}
	if err := errors.Join(read(count/2), settled(3)); err != nil {
		return err
	}
	members[0].LeaveGroup()
	if err := settled(2); err != nil {
		return err
	}
	if err := producer.ProduceSync(ctx, records[count/2:]...).FirstErr(); err != nil {
		return err
	}
	if err := read(count); err != nil {
		return err
	}
	closeAll()
	lags, err := admin.Lag(ctx, topic+"-group")
	if err != nil {
		return err
	}
	return harness.Equal("lag of the group", lags[topic+"-group"].Lag.Total(), int64(0))
}

func dataChecks() []harness.Check {
	var checks []harness.Check
	codecs := []struct {
		name  string
		codec kgo.CompressionCodec
	}{{"none", kgo.NoCompression()}, {"gzip", kgo.GzipCompression()}, {"snappy", kgo.SnappyCompression()},
		{"lz4", kgo.Lz4Compression()}, {"zstd", kgo.ZstdCompression()}}
	for _, c := range codecs {
		checks = append(checks, harness.Check{"3,000 records with headers and codec " + c.name + " come back unchanged, idempotent producer",
			func(ctx context.Context) error {
				return roundTrip(ctx, "go-"+c.name, kgo.ProducerBatchCompression(c.codec))
			}})
	}
	checks = append(checks,
		harness.Check{"a producer without idempotence and with acks=1", func(ctx context.Context) error {
			return roundTrip(ctx, "go-acks-1", kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
		}},
		harness.Check{"offsets returned to the producer are those of the records", func(ctx context.Context) error {
			if err := createTopic(ctx, "go-offsets", 1); err != nil {
				return err
			}
			client := newClient()
			defer client.Close()
			for i, r := range numbered("go-offsets", 20) {
				stored, err := client.ProduceSync(ctx, r).First()
				if err != nil {
					return err
				}
				if err := harness.Equal("offset", stored.Offset, int64(i)); err != nil {
					return err
				}
			}
			return nil
		}},
		harness.Check{"consuming starts at a timestamp", func(ctx context.Context) error {
			if err := createTopic(ctx, "go-timed", 1); err != nil {
				return err
			}
			client := newClient()
			defer client.Close()
			start := time.UnixMilli(1_700_000_000_000)
			for i, r := range numbered("go-timed", 50) {
				r.Timestamp = start.Add(time.Duration(i) * time.Second)
				if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
					return err
				}
			}
			consumer := newClient(kgo.ConsumeTopics("go-timed"),
				kgo.ConsumeResetOffset(kgo.NewOffset().AfterMilli(start.Add(20*time.Second).UnixMilli())))
			defer consumer.Close()
			first := consumer.PollFetches(ctx).Records()
			if len(first) == 0 {
				return errors.New("nothing came")
			}
			return harness.Equal("first record", string(first[0].Key), "key-20")
		}},
		harness.Check{"a record above max.message.bytes is refused, the next one passes", func(ctx context.Context) error {
			if err := createTopic(ctx, "go-large", 1); err != nil {
				return err
			}
			client := newClient(kgo.ProducerBatchMaxBytes(4<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
			defer client.Close()
			err := client.ProduceSync(ctx, &kgo.Record{Topic: "go-large", Value: make([]byte, 2<<20)}).FirstErr()
			if !errors.Is(err, kerr.MessageTooLarge) {
				return fmt.Errorf("the answer was %v", err)
			}
			return client.ProduceSync(ctx, &kgo.Record{Topic: "go-large", Value: []byte("small")}).FirstErr()
		}},
	)
	for _, b := range []kgo.GroupBalancer{kgo.RangeBalancer(), kgo.RoundRobinBalancer(), kgo.StickyBalancer(), kgo.CooperativeStickyBalancer()} {
		checks = append(checks, harness.Check{"a group of three shares six partitions, goes on with two, and commits; balancer " + b.ProtocolName(),
			func(ctx context.Context) error { return groupOfThree(ctx, "go-group-"+b.ProtocolName(), b) }})
	}
	return append(checks, harness.Check{"a static member that comes back keeps its partitions without a rebalance", staticMember})
}

// staticMember: the generation stays the same when a member with an instance id goes away and comes back.
func staticMember(ctx context.Context) error {
	const topic, group = "go-static", "go-static-group"
	if err := createTopic(ctx, topic, 2); err != nil {
		return err
	}
	observer := newClient()
	defer observer.Close()
	admin := kadm.NewClient(observer)
	join := func(instance string) *kgo.Client {
		return newClient(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.InstanceID(instance),
			kgo.SessionTimeout(30*time.Second), kgo.HeartbeatInterval(200*time.Millisecond), kgo.Balancers(kgo.RangeBalancer()))
	}
	poll := func(client *kgo.Client, ctx context.Context) {
		for !client.PollFetches(ctx).IsClientClosed() && ctx.Err() == nil {
		}
	}
	memberOf := func(instance string) (id string, assigned string, stable bool, err error) {
		groups, err := admin.DescribeGroups(ctx, group)
		if err != nil {
			return "", "", false, err
		}
		described := groups[group]
		for _, m := range described.Members {
			if m.InstanceID != nil && *m.InstanceID == instance {
				a, _ := m.Assigned.AsConsumer()
				return m.MemberID, fmt.Sprint(a), described.State == "Stable" && len(described.Members) == 2, nil
			}
		}
		return "", "", false, nil
	}
	one, two := join("one"), join("two")
	defer one.Close()
	go poll(one, ctx)
	go poll(two, ctx)
	var before, owned string
	if err := harness.Eventually(ctx, "both members are in", func() (bool, error) {
		id, assigned, stable, err := memberOf("two")
		before, owned = id, assigned
		return stable, err
	}); err != nil {
		two.Close()
		return err
	}
	two.CloseAllowingRebalance() // a static member does not leave
	back := join("two")
	defer back.Close()
	go poll(back, ctx)
	return harness.Eventually(ctx, "the static member is back with a new member id and its old partitions", func() (bool, error) {
		id, assigned, stable, err := memberOf("two")
		return stable && id != before && assigned == owned, err
	})
}
