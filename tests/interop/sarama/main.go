// Drives a broker with Sarama, which speaks as a client of any Kafka release: producers, consumers, groups, the admin
// client, and a broker that is restarted under all of them.
package main

import (
	"os"
	"time"

	"github.com/IBM/sarama"
	"weir.dev/tests/interop/harness"
)

var bootstrap = []string{os.Getenv("BOOTSTRAP")}

// settings are those of a client of this release; of each API it takes the newest version that it and the broker know.
func settings(release sarama.KafkaVersion) *sarama.Config {
	config := sarama.NewConfig()
	config.Version = release
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = 100 * time.Millisecond
	config.Consumer.Group.Heartbeat.Interval = 200 * time.Millisecond
	return config
}

func main() {
	if !harness.Run(append(dataChecks(), append(groupChecks(), adminChecks()...)...)) {
		os.Exit(1)
	}
}
