// Drives a broker with franz-go: producers with every codec, consumer groups of every balancer, and the admin client.
//
//	franz_go suite            all checks
//	franz_go read TOPIC GROUP a group reads the topic to its end; values to standard output, one a line
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"weir.dev/tests/interop/harness"
)

func newClient(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(os.Getenv("BOOTSTRAP"))}, options...)...)
	if err != nil {
		panic(err)
	}
	return client
}

// readAll reads a topic to its present end in a group, and commits.
func readAll(ctx context.Context, topic, group string) error {
	client := newClient(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	var left int64
	ends.Each(func(end kadm.ListedOffset) { left += end.Offset })
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			out.Write(r.Value)
			out.WriteByte('\n')
			left--
		})
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		return err
	}
	return out.Flush()
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "suite":
		if !harness.Run(append(dataChecks(), adminChecks()...)) {
			os.Exit(1)
		}
	case len(os.Args) == 4 && os.Args[1] == "read":
		if err := readAll(context.Background(), os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		fmt.Fprintln(os.Stderr, "usage: franz_go suite | read TOPIC GROUP")
		os.Exit(2)
	}
}
