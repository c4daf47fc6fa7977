package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"weir.dev/tests/interop/harness"
)

// member consumes in a group until it leaves.
type member struct {
	group sarama.ConsumerGroup
	stop  context.CancelFunc
	done  chan struct{}

	lock  sync.Mutex
	owned int
	found map[string]int
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.owned = 0
	for _, partitions := range session.Claims() {
		m.owned += len(partitions)
	}
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		m.lock.Lock()
		m.found[string(message.Value)]++
		m.lock.Unlock()
		session.MarkMessage(message, "read")
	}
	return nil
}

func (m *member) state() (owned, found int) {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.owned, len(m.found)
}

func (m *member) leave() error {
	m.stop()
	<-m.done
	return m.group.Close()
}

func join(ctx context.Context, group, topic string, config *sarama.Config) (*member, error) {
	joined, err := sarama.NewConsumerGroup(bootstrap, group, config)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	m := &member{group: joined, stop: stop, done: make(chan struct{}), found: map[string]int{}}
	go func() {
		defer close(m.done)
		for ctx.Err() == nil {
			if err := joined.Consume(ctx, []string{topic}, m); err != nil {
				time.Sleep(100 * time.Millisecond) // the broker is away
			}
		}
	}()
	return m, nil
}

func numbered(topic string, from, to int) []*sarama.ProducerMessage {
	var messages []*sarama.ProducerMessage
	for index := from; index < to; index++ {
		text := sarama.StringEncoder(fmt.Sprint(index))
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Key: text, Value: text})
	}
	return messages
}

// groupOfTwo: one reads, a second comes, the first leaves, and what is written then is read by the second alone.
func groupOfTwo(ctx context.Context, release sarama.KafkaVersion, strategy sarama.BalanceStrategy) error {
	const partitions, count = 4, 1000
	topic := fmt.Sprintf("sarama-group-%v-%s", release, strategy.Name())
	if err := createTopic(topic, partitions, nil); err != nil {
		return err
	}
	config := settings(release)
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
	if err := send(config, numbered(topic, 0, count)...); err != nil {
		return err
	}
	first, err := join(ctx, topic, topic, config)
	if err != nil {
		return err
	}
	if err := harness.Eventually(ctx, "the first member reads all", func() (bool, error) {
		owned, found := first.state()
		return owned == partitions && found == count, nil
	}); err != nil {
		return err
	}
	second, err := join(ctx, topic, topic, config)
	if err != nil {
		return err
	}
	if err := harness.Eventually(ctx, "the members share the partitions", func() (bool, error) {
		mine, _ := first.state()
		yours, _ := second.state()
		return mine == partitions/2 && yours == partitions/2, nil
	}); err != nil {
		return err
	}
	if err := first.leave(); err != nil {
		return err
	}
	if err := send(config, numbered(topic, count, 2*count)...); err != nil {
		return err
	}
	if err := harness.Eventually(ctx, "the second member reads the rest, and only that", func() (bool, error) {
		owned, found := second.state()
		return owned == partitions && found == count, nil
	}); err != nil {
		return err
	}
	return second.leave()
}

// restarted: an idempotent producer and a group member go on when their broker is killed and comes back.
func restarted(ctx context.Context) error {
	const topic, count = "sarama-restarted", 600
	if err := createTopic(topic, 2, nil); err != nil {
		return err
	}
	config := settings(sarama.MaxVersion)
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Retry.Max = 1000
	config.Metadata.Retry.Max = 1000
	config.Producer.Retry.Backoff, config.Metadata.Retry.Backoff = 50*time.Millisecond, 50*time.Millisecond
	reader, err := join(ctx, topic, topic, config)
	if err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducer(bootstrap, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	again := make(chan error, 1)
	for index, message := range numbered(topic, 0, count) {
		if index == count/2 {
			go func() { again <- errors.Join(control("kill"), control("start")) }()
		}
		if _, _, err := producer.SendMessage(message); err != nil {
			return fmt.Errorf("record %d: %w", index, err)
		}
	}
	if err := <-again; err != nil {
		return err
	}
	if err := harness.Eventually(ctx, "all records are read", func() (bool, error) {
		_, found := reader.state()
		return found == count, nil
	}); err != nil {
		return err
	}
	if err := reader.leave(); err != nil {
		return err
	}
	client, err := sarama.NewClient(bootstrap, config)
	if err != nil {
		return err
	}
	defer client.Close()
	var written int64
	for partition := range int32(2) {
		end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			return err
		}
		written += end
	}
	return harness.Equal("records in the topic", written, int64(count))
}

// control kills or starts the broker.
func control(what string) error {
	command := exec.Command(os.Getenv("BROKER_CONTROL"), what, os.Getenv("BROKER_DIR"))
	command.Stderr = os.Stderr
	return command.Run()
}

func groupChecks() []harness.Check {
	var checks []harness.Check
	for _, strategy := range []func() sarama.BalanceStrategy{sarama.NewBalanceStrategyRange, sarama.NewBalanceStrategyRoundRobin,
		sarama.NewBalanceStrategySticky} {
		checks = append(checks, harness.Check{
			Title: "a group of two shares its partitions, and the second member goes on alone; strategy " + strategy().Name(),
			Body:  func(ctx context.Context) error { return groupOfTwo(ctx, sarama.MaxVersion, strategy()) }})
	}
	for _, release := range releases[:len(releases)-1] {
		checks = append(checks, harness.Check{Title: fmt.Sprintf("a group of two clients of Kafka %v", release),
			Body: func(ctx context.Context) error { return groupOfTwo(ctx, release, sarama.NewBalanceStrategyRange()) }})
	}
	return append(checks, harness.Check{Title: "producer and group outlive a kill of their broker, and each record is written once", Body: restarted})
}
