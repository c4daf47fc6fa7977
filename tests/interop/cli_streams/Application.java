// Counts the values of a topic: a streams application with a repartition and a changelog topic. Ends with its standard input.
//   java Application.java BOOTSTRAP APPLICATION_ID INPUT_TOPIC STATE_DIRECTORY
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;

public class Application {
    public static void main(String[] args) throws Exception {
        var settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        settings.put("application.id", args[1]);
        settings.put("client.id", "counter");
        settings.put("group.protocol", "streams");
        settings.put("commit.interval.ms", "100");
        settings.put("state.dir", args[3]);
        settings.put("auto.offset.reset", "earliest");
        var strings = Serdes.String();
        var builder = new StreamsBuilder();
        builder.stream(args[2], Consumed.with(strings, strings))
            .groupBy((key, value) -> value, Grouped.with("by-value", strings, strings))
            .count(Materialized.as("counts"));
        try (var application = new KafkaStreams(builder.build(), settings)) {
            application.start();
            while (System.in.read() >= 0) { }
        }
    }
}
