// Prints vectors for data/assignors.jsonl.gz: what Java's assignors do with random groups, through several rebalances.
//   java -cp "$(apache-kafka classpath)" assignor_vectors.java SEED GROUPS | gzip -9n > data/assignors.jsonl.gz
import java.nio.ByteBuffer;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.common.*;

class AssignorVectors {
    static Random random;

    static class Member {
        String id, instance, rack = "";
        List<String> topics = new ArrayList<>();
        List<TopicPartition> owned = new ArrayList<>();
        int generation = -1;
        ByteBuffer data;
    }

    static ConsumerPartitionAssignor make(String name) {
        switch (name) {
            case "range": return new RangeAssignor();
            case "roundrobin": return new RoundRobinAssignor();
            case "sticky": return new StickyAssignor();
            default: return new CooperativeStickyAssignor();
        }
    }

    static String hex(ByteBuffer buffer) {
        StringBuilder out = new StringBuilder();
        ByteBuffer copy = buffer.duplicate();
        while (copy.hasRemaining()) out.append(String.format("%02x", copy.get()));
        return out.toString();
    }
    static String text(String value) { return "\"" + value + "\""; }
    static String list(Stream<String> items) { return "[" + items.collect(Collectors.joining(",")) + "]"; }
    static String places(Collection<TopicPartition> all) {
        return list(all.stream().sorted(Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition)).map(p -> "[" + text(p.topic()) + "," + p.partition() + "]"));
    }
    // The order is that of the claim: it matters where claims conflict.
    static String claims(Collection<TopicPartition> all) { return list(all.stream().map(p -> "[" + text(p.topic()) + "," + p.partition() + "]")); }

    static Member member(boolean racks, List<String> topics, boolean alike) {
        Member made = new Member();
        made.id = "client-" + random.nextInt(4) + "-" + UUID.nameUUIDFromBytes(("" + random.nextLong()).getBytes());
        if (random.nextInt(4) == 0) made.instance = "instance-" + random.nextInt(1000);
        if (racks && random.nextInt(8) > 0) made.rack = "rack-" + random.nextInt(3);
        wish(made, topics, alike);
        return made;
    }
    static void wish(Member of, List<String> topics, boolean alike) {
        of.topics = new ArrayList<>(topics);
        if (!alike) of.topics.removeIf(t -> random.nextInt(3) == 0);
        if (of.topics.isEmpty()) of.topics.add(topics.get(random.nextInt(topics.size())));
    }

    public static void main(String[] args) {
        random = new Random(Long.parseLong(args[0]));
        int groups = Integer.parseInt(args[1]), skipped = 0;
        String[] names = {"range", "roundrobin", "sticky", "cooperative-sticky", "sticky", "cooperative-sticky"};
        for (int group = 0; group < groups; group++) {
            String name = names[group % names.length];
            boolean racks = random.nextInt(3) == 0, alike = random.nextInt(2) == 0;
            List<String> topics = new ArrayList<>();
            Map<String, List<List<Integer>>> replicas = new TreeMap<>();
            int topicCount = 1 + random.nextInt(5), equal = 1 + random.nextInt(8);
            for (int i = 0; i < topicCount; i++) {
                String topic = "topic-" + (char) ('a' + random.nextInt(26)) + i;
                topics.add(topic);
                replicas.put(topic, new ArrayList<>());
                int partitions = random.nextBoolean() ? equal : 1 + random.nextInt(12);
                for (int p = 0; p < partitions; p++) replicas.get(topic).add(replicas());
            }
            List<Member> members = new ArrayList<>();
            for (int count = 1 + random.nextInt(7); count > 0; count--) members.add(member(racks, topics, alike));
            for (int round = 0, generation = 1; round < 4; round++, generation++) {
                if (!step(name, racks, members, replicas, generation)) { skipped++; break; }
                // What may happen before the next rebalance.
                int chance = random.nextInt(7);
                if (chance <= 1) members.add(random.nextInt(members.size() + 1), member(racks, topics, alike));
                if (chance == 2 && members.size() > 1) members.remove(random.nextInt(members.size()));
                if (chance == 3) replicas.get(topics.get(random.nextInt(topics.size()))).add(replicas());
                if (chance == 4) wish(members.get(random.nextInt(members.size())), topics, alike);
                if (chance == 5 && members.size() > 1) {  // one missed a rebalance and claims what is another's by now
                    Member late = members.get(random.nextInt(members.size())), other = members.get(random.nextInt(members.size()));
                    if (late != other && !other.owned.isEmpty() && late.generation > 0) {
                        late.owned.add(other.owned.get(0));
                        if (random.nextBoolean()) late.generation--;
                    }
                }
                Collections.shuffle(members, random);
            }
        }
        System.err.println(skipped + " groups end early: Java's own result is not valid there");
    }

    static List<Integer> replicas() {
        List<Integer> all = new ArrayList<>();
        for (int i = 1 + random.nextInt(3); i > 0; i--) all.add(random.nextInt(5));
        return all.stream().distinct().collect(Collectors.toList());
    }
    static String rack(int broker) { return "rack-" + broker % 4; }

    static boolean step(String name, boolean racks, List<Member> members, Map<String, List<List<Integer>>> replicas, int generation) {
        boolean sticky = name.contains("sticky"), cooperative = name.startsWith("cooperative");
        List<PartitionInfo> infos = new ArrayList<>();
        replicas.forEach((topic, list) -> {
            for (int p = 0; p < list.size(); p++) {
                Node[] nodes = list.get(p).stream().map(b -> new Node(b, "h" + b, 9092, racks ? rack(b) : null)).toArray(Node[]::new);
                infos.add(new PartitionInfo(topic, p, nodes[0], nodes, nodes));
            }
        });
        List<Node> brokers = IntStream.range(0, 5).mapToObj(b -> new Node(b, "h" + b, 9092, racks ? rack(b) : null)).collect(Collectors.toList());
        Cluster cluster = new Cluster("c", brokers, infos, Set.of(), Set.of());
        Map<String, Subscription> subscriptions = new HashMap<>();
        List<String> lines = new ArrayList<>();
        for (Member each : members) {
            each.data = null;
            if (sticky) {
                ConsumerPartitionAssignor own = make(name);
                if (each.generation >= 0) own.onAssignment(new Assignment(each.owned), new ConsumerGroupMetadata("g", each.generation, each.id, Optional.empty()));
                each.data = own.subscriptionUserData(new HashSet<>(each.topics));
            }
            List<TopicPartition> owned = cooperative ? each.owned : List.of();
            int told = random.nextInt(10) == 0 && cooperative ? -1 : each.generation;  // older clients have it in the user data alone
            Subscription subscription = new Subscription(each.topics, each.data, owned, told, each.rack.isEmpty() ? Optional.empty() : Optional.of(each.rack));
            subscription.setGroupInstanceId(Optional.ofNullable(each.instance));
            subscriptions.put(each.id, subscription);
            lines.add("{\"id\":" + text(each.id) + (each.instance == null ? "" : ",\"instance\":" + text(each.instance)) + (each.rack.isEmpty() ? "" : ",\"rack\":" + text(each.rack))
                + ",\"topics\":" + list(each.topics.stream().map(AssignorVectors::text)) + ",\"owned\":" + claims(owned)
                + (told < 0 ? "" : ",\"generation\":" + told) + (each.data == null ? "" : ",\"data\":" + text(hex(each.data))) + "}");
        }
        Map<String, Assignment> result;
        try {
            result = make(name).assign(cluster, new GroupSubscription(subscriptions)).groupAssignment();
        } catch (RuntimeException e) {
            return false;
        }
        Set<TopicPartition> seen = new HashSet<>();
        for (Member each : members) {
            for (TopicPartition p : result.get(each.id).partitions()) {
                if (!seen.add(p) || !each.topics.contains(p.topic()) || p.partition() >= replicas.get(p.topic()).size()) return false;
            }
        }
        String shapes = replicas.entrySet().stream().map(e -> text(e.getKey()) + ":" + list(e.getValue().stream().map(
            l -> list(racks ? l.stream().map(AssignorVectors::rack).distinct().sorted().map(AssignorVectors::text) : Stream.of())))).collect(Collectors.joining(","));
        System.out.println("{\"assignor\":" + text(name) + ",\"topics\":{" + shapes + "},\"members\":" + list(lines.stream()) + ",\"result\":{"
            + new TreeMap<>(result).entrySet().stream().map(e -> text(e.getKey()) + ":" + places(e.getValue().partitions())).collect(Collectors.joining(",")) + "}}");
        for (Member each : members) {
            each.owned = new ArrayList<>(result.get(each.id).partitions());
            each.generation = generation;
        }
        return true;
    }
}
