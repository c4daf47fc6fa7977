package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	"weir.dev/tests/interop/harness"
)

var releases = []sarama.KafkaVersion{sarama.V1_0_0_0, sarama.V2_1_0_0, sarama.V2_4_0_0, sarama.V3_6_0_0, sarama.MaxVersion}

var codecs = []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy,
	sarama.CompressionLZ4, sarama.CompressionZSTD}

func createTopic(name string, partitions int32, configs map[string]*string) error {
	admin, err := sarama.NewClusterAdmin(bootstrap, settings(sarama.MaxVersion))
	if err != nil {
		return err
	}
	defer admin.Close()
	return admin.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: configs}, false)
}

func send(config *sarama.Config, messages ...*sarama.ProducerMessage) error {
	producer, err := sarama.NewSyncProducer(bootstrap, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	return producer.SendMessages(messages)
}

// read gives `count` records of partition 0, from the offset on.
func read(ctx context.Context, config *sarama.Config, topic string, offset int64, count int) ([]*sarama.ConsumerMessage, error) {
	config.Consumer.Return.Errors = true
	consumer, err := sarama.NewConsumer(bootstrap, config)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(topic, 0, offset)
	if err != nil {
		return nil, err
	}
	defer partition.Close()
	var found []*sarama.ConsumerMessage
	for len(found) < count {
		select {
		case message := <-partition.Messages():
			found = append(found, message)
		case err := <-partition.Errors():
			return found, err
		case <-ctx.Done():
			return found, fmt.Errorf("only %d of %d records came", len(found), count)
		}
	}
	return found, nil
}

func encoded(value []byte) sarama.Encoder {
	if value == nil {
		return nil
	}
	return sarama.ByteEncoder(value)
}

// roundTrip: what was sent comes back as it was, down to the difference between nothing and an empty value.
func roundTrip(ctx context.Context, release sarama.KafkaVersion, codec sarama.CompressionCodec, acks sarama.RequiredAcks) error {
	topic := fmt.Sprintf("sarama-%v-%v-%d", release, codec, acks+1)
	if err := createTopic(topic, 1, nil); err != nil {
		return err
	}
	config := settings(release)
	config.Producer.Compression = codec
	config.Producer.RequiredAcks = acks
	start := time.UnixMilli(1_700_000_000_000)
	sent := []struct{ key, value []byte }{{nil, []byte("no key")}, {[]byte("no value"), nil}, {[]byte{}, []byte{}},
		{[]byte("large"), bytes.Repeat([]byte("large"), 180_000)}, {[]byte("last"), []byte("last")}}
	var messages []*sarama.ProducerMessage
	for index, each := range sent {
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Key: encoded(each.key), Value: encoded(each.value),
			Timestamp: start.Add(time.Duration(index) * time.Second),
			Headers:   []sarama.RecordHeader{{Key: []byte("n"), Value: []byte{byte(index)}}, {Key: []byte("none"), Value: nil}}})
	}
	if err := send(config, messages...); err != nil {
		return err
	}
	found, err := read(ctx, config, topic, sarama.OffsetOldest, len(sent))
	if err != nil {
		return err
	}
	for index, message := range found {
		// Sarama gives no value and an empty one alike to those who read.
		if !bytes.Equal(message.Key, sent[index].key) || !bytes.Equal(message.Value, sent[index].value) {
			return fmt.Errorf("record %d came with %d bytes of key and %d of value", index, len(message.Key), len(message.Value))
		}
		if len(message.Headers) != 2 || !bytes.Equal(message.Headers[0].Value, []byte{byte(index)}) || string(message.Headers[1].Key) != "none" {
			return fmt.Errorf("the headers of record %d came as %v", index, message.Headers)
		}
		if err := errors.Join(harness.Equal("offset", message.Offset, int64(index)),
			harness.Equal("timestamp", message.Timestamp.UnixMilli(), messages[index].Timestamp.UnixMilli())); err != nil {
			return err
		}
	}
	return nil
}

func dataChecks() []harness.Check {
	var checks []harness.Check
	for _, release := range releases {
		checks = append(checks, harness.Check{Title: fmt.Sprintf("a client of Kafka %v writes and reads with every codec that it knows", release),
			Body: func(ctx context.Context) error {
				for _, codec := range codecs {
					if codec == sarama.CompressionZSTD && !release.IsAtLeast(sarama.V2_1_0_0) {
						continue
					}
					if err := roundTrip(ctx, release, codec, sarama.WaitForAll); err != nil {
						return fmt.Errorf("codec %v: %w", codec, err)
					}
				}
				return nil
			}})
	}
	return append(checks,
		harness.Check{Title: "records arrive with acks=1 and without acknowledgement", Body: func(ctx context.Context) error {
			return errors.Join(roundTrip(ctx, sarama.MaxVersion, sarama.CompressionNone, sarama.WaitForLocal),
				roundTrip(ctx, sarama.MaxVersion, sarama.CompressionLZ4, sarama.NoResponse))
		}},
		harness.Check{Title: "an asynchronous idempotent producer writes 20,000 records, each once, in order", Body: idempotent},
		harness.Check{Title: "what a topic does not take is refused by name, and the producer goes on", Body: refused},
		harness.Check{Title: "records are found by time, and consuming outside of the log is refused", Body: byTime},
	)
}

func idempotent(ctx context.Context) error {
	const topic, count = "sarama-idempotent", 20_000
	if err := createTopic(topic, 1, nil); err != nil {
		return err
	}
	config := settings(sarama.MaxVersion)
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	producer, err := sarama.NewAsyncProducer(bootstrap, config)
	if err != nil {
		return err
	}
	go func() {
		for index := range count {
			producer.Input() <- &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(index))}
		}
		producer.AsyncClose()
	}()
	go func() {
		for range producer.Successes() {
		}
	}()
	for failed := range producer.Errors() {
		err = failed
	}
	if err != nil {
		return err
	}
	found, err := read(ctx, config, topic, 0, count)
	if err != nil {
		return err
	}
	for index, message := range found {
		if string(message.Value) != fmt.Sprint(index) {
			return fmt.Errorf("record %d is %s", index, message.Value)
		}
	}
	return nil
}

func refused(ctx context.Context) error {
	pointer := func(text string) *string { return &text }
	if err := errors.Join(createTopic("sarama-small", 1, map[string]*string{"max.message.bytes": pointer("1000")}),
		createTopic("sarama-compacted", 1, map[string]*string{"cleanup.policy": pointer("compact")}),
		createTopic("sarama-recent", 1, map[string]*string{"message.timestamp.before.max.ms": pointer("1000")})); err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducer(bootstrap, settings(sarama.MaxVersion))
	if err != nil {
		return err
	}
	defer producer.Close()
	for _, each := range []struct {
		message *sarama.ProducerMessage
		wanted  error
	}{
		{&sarama.ProducerMessage{Topic: "sarama-small", Value: sarama.ByteEncoder(make([]byte, 2000))}, sarama.ErrMessageSizeTooLarge},
		{&sarama.ProducerMessage{Topic: "sarama-small", Value: sarama.StringEncoder("small")}, nil},
		{&sarama.ProducerMessage{Topic: "sarama-compacted", Value: sarama.StringEncoder("no key")}, sarama.ErrInvalidRecord},
		{&sarama.ProducerMessage{Topic: "sarama-compacted", Key: sarama.StringEncoder("key")}, nil},
		{&sarama.ProducerMessage{Topic: "sarama-recent", Timestamp: time.UnixMilli(1_700_000_000_000)}, sarama.ErrInvalidTimestamp},
		{&sarama.ProducerMessage{Topic: "sarama-recent", Timestamp: time.Now()}, nil},
		{&sarama.ProducerMessage{Topic: "sarama/no-name"}, sarama.ErrInvalidTopic},
		{&sarama.ProducerMessage{Topic: "sarama-made-by-writing"}, nil},
	} {
		if _, _, err := producer.SendMessage(each.message); !errors.Is(err, each.wanted) {
			return fmt.Errorf("a record for %s was answered with %v, not %v", each.message.Topic, err, each.wanted)
		}
	}
	return nil
}

func byTime(ctx context.Context) error {
	const topic = "sarama-timed"
	if err := createTopic(topic, 1, nil); err != nil {
		return err
	}
	start := time.UnixMilli(1_700_000_000_000)
	var messages []*sarama.ProducerMessage
	for index := range 50 {
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(index)),
			Timestamp: start.Add(time.Duration(index) * time.Second)})
	}
	if err := send(settings(sarama.MaxVersion), messages...); err != nil {
		return err
	}
	for _, release := range releases {
		client, err := sarama.NewClient(bootstrap, settings(release))
		if err != nil {
			return err
		}
		defer client.Close()
		for _, each := range []struct{ time, wanted int64 }{{sarama.OffsetOldest, 0}, {sarama.OffsetNewest, 50},
			{start.UnixMilli() + 19_001, 20}, {0, 0}, {start.UnixMilli() + 49_001, -1}} {
			found, err := client.GetOffset(topic, 0, each.time)
			if err != nil {
				return fmt.Errorf("offset at %d, as a client of Kafka %v: %w", each.time, release, err)
			}
			if err := harness.Equal(fmt.Sprintf("offset at %d, to a client of Kafka %v", each.time, release), found, each.wanted); err != nil {
				return err
			}
		}
	}
	if _, err := read(ctx, settings(sarama.MaxVersion), topic, 1000, 1); !errors.Is(err, sarama.ErrOffsetOutOfRange) {
		return fmt.Errorf("consuming from offset 1000 was answered with %v", err)
	}
	return nil
}
