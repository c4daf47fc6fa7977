// Several brokers that answer as the test says: for what one real broker cannot show, such as leaders that move.
#pragma once
#include <weir/base/sim/world.hpp>
#include <weir/protocol/frames.hpp>
#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/metadata.hpp>
#include <weir/protocol/messages/sasl_handshake.hpp>

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>

namespace weir::test {

/// What becomes of a request.
struct fate {
    nanoseconds delay{};   ///< before the broker looks at it; those behind it on the connection wait
    bool heard = true;     ///< false: the connection breaks before
    bool answered = true;  ///< false: the connection breaks after
};

/// Brokers 1, 2, ... on machines "b1", "b2", ...; each has every API in every version, less what `hide` takes away.
class scripted_brokers {
public:
    explicit scripted_brokers(int count, std::uint64_t seed = 1) : world(seed) {
        for (int id = 1; id <= count; ++id) {
            const auto machine = world.add_node("b" + std::to_string(id));
            machines_[id] = machine;
            auto made = world.net(machine).listen(world.loop(machine), {"b" + std::to_string(id), 9092}, {}, [this, machine]() -> event_loop& { return world.loop(machine); },
                                                  [this, id](std::unique_ptr<stream> one) { serve(std::make_shared<session>(session{id, std::move(one)})); });
            REQUIRE(made);
            listeners_.push_back(*std::move(made));
        }
        // They do not ask for metrics.
        limit(protocol::api_key::get_telemetry_subscriptions, -1);
        limit(protocol::api_key::push_telemetry, -1);
        // Asked by who was cut off before its first answer, to find out why: nobody has to log in here.
        on<protocol::sasl_handshake_request>([](int, const protocol::sasl_handshake_request&) {
            protocol::sasl_handshake_response answer;
            answer.error_code = static_cast<std::int16_t>(errc::illegal_sasl_state);
            return answer;
        });
        on<protocol::metadata_request>([this](int, const protocol::metadata_request& asked) { return tell(asked); });
        on<protocol::find_coordinator_request>([this](int, const protocol::find_coordinator_request& asked) {
            protocol::find_coordinator_response answer;
            for (const auto& key : asked.coordinator_keys) {
                auto& each = answer.coordinators.emplace_back();
                each.key = key;
                each.node_id = coordinators.contains(key) ? coordinators[key] : 1;
                each.host = "b" + std::to_string(each.node_id);
                each.port = 9092;
            }
            return answer;
        });
    }
    /// What every broker answers to this request; the first argument is the broker.
    template <class Request>
    void on(std::function<typename Request::response_type(int, const Request&)> handler) {
        handlers_[static_cast<std::int16_t>(Request::api_key)] = [handler](int broker, const protocol::request_frame& frame) {
            auto request = protocol::decode<Request>(frame.body, frame.version);
            REQUIRE(request);
            protocol::writer out;
            const auto encoded = protocol::encode_response_frame(handler(broker, *request), frame.version, frame.correlation_id, out);
            REQUIRE_MESSAGE(encoded, encoded.error().message());
            return *out.take_bytes();
        };
    }
    /// What Metadata is answered with, unless the test says otherwise.
    protocol::metadata_response tell(const protocol::metadata_request& asked) const {
        protocol::metadata_response answer;
        answer.controller_id = controller;
        for (const auto& [id, machine] : machines_) {
            if (tells_only != 0 && id != tells_only) continue;
            auto& each = answer.brokers.emplace_back();
            each.node_id = id;
            each.host = "b" + std::to_string(id);
            each.port = 9092;
        }
        if (!asked.topics) return answer;
        for (const auto& topic : *asked.topics) {
            auto& each = answer.topics.emplace_back();
            each.name = topic.name;
            const auto at = leaders.find(topic.name.value_or(""));
            if (at == leaders.end()) {
                each.error_code = 3;
                continue;
            }
            for (std::size_t i = 0; i < at->second.size(); ++i) {
                auto& part = each.partitions.emplace_back();
                part.partition_index = static_cast<std::int32_t>(i);
                part.leader_id = at->second[i];
            }
        }
        return answer;
    }
    /// Answers to this API wait until release().
    void hold(protocol::api_key key) { held_ = static_cast<std::int16_t>(key); }
    void release() {
        held_ = -1;
        for (auto late = std::exchange(late_, {}); auto& send : late) send();
    }
    sim::node_id machine(int broker) const { return machines_.at(broker); }
    /// The newest version that the brokers admit to; below 0: they lack the API.
    void limit(protocol::api_key key, std::int16_t newest) { newest_[static_cast<std::int16_t>(key)] = newest; }
    int count(protocol::api_key key) const {
        int all = 0;
        for (const auto& [where, times] : calls_) all += where.second == static_cast<std::int16_t>(key) ? times : 0;
        return all;
    }
    int count(int broker, protocol::api_key key) const {
        const auto at = calls_.find({broker, static_cast<std::int16_t>(key)});
        return at == calls_.end() ? 0 : at->second;
    }

    /// Asked about each request; none: all are answered at once.
    std::function<fate(int broker, protocol::api_key)> fates;

    sim::world world;
    sim::node_id desk = world.add_node("desk");
    std::map<std::string, std::vector<int>> leaders;  ///< of the partitions of each topic
    std::map<std::string, int> coordinators;          ///< of groups and transactional ids; broker 1 for others
    int controller = 1;
    std::map<std::string, std::int16_t> finalized;    ///< features and their levels
    int tells_only = 0;                               ///< the one broker that Metadata mentions; 0: all

private:
    struct session {
        int broker;
        std::unique_ptr<stream> peer;
        bytes chunk = bytes(64 << 10);
        bytes inbox{};
        std::deque<bytes> requests{};
        bool busy = false;
    };
    bytes api_versions(const protocol::request_frame& frame) {
        protocol::api_versions_response answer;
        for (const auto& info : protocol::all_apis()) {
            if (!info.exists()) continue;
            const auto key = static_cast<std::int16_t>(info.key);
            const auto at = newest_.find(key);
            const auto newest = at == newest_.end() ? info.max_version : at->second;
            if (newest < info.min_version) continue;
            auto& each = answer.api_keys.emplace_back();
            each.api_key = key;
            each.min_version = info.min_version;
            each.max_version = newest;
        }
        for (const auto& [name, level] : finalized) {
            auto& each = answer.finalized_features.emplace_back();
            each.name = name;
            each.max_version_level = each.min_version_level = level;
        }
        answer.finalized_features_epoch = finalized.empty() ? -1 : 1;
        protocol::writer out;
        REQUIRE(protocol::encode_response_frame(answer, frame.version, frame.correlation_id, out));
        return *out.take_bytes();
    }
    void serve(const std::shared_ptr<session>& on) {
        on->peer->read_some(on->chunk, [this, on](result<std::size_t> got) {
            if (!got || *got == 0) return;
            on->inbox.insert(on->inbox.end(), on->chunk.begin(), on->chunk.begin() + static_cast<std::ptrdiff_t>(*got));
            while (on->inbox.size() >= 4) {
                const auto size = static_cast<std::size_t>(load_big_endian<std::int32_t>(on->inbox.data()));
                if (on->inbox.size() < 4 + size) break;
                const bytes content{on->inbox.begin() + 4, on->inbox.begin() + 4 + static_cast<std::ptrdiff_t>(size)};
                on->inbox.erase(on->inbox.begin(), on->inbox.begin() + 4 + static_cast<std::ptrdiff_t>(size));
                on->requests.push_back(content);
            }
            work(on);
            serve(on);
        });
    }
    void work(const std::shared_ptr<session>& on) {
        while (!on->busy && !on->requests.empty()) {
            const auto content = std::move(on->requests.front());
            on->requests.pop_front();
            const auto frame = protocol::parse_request_frame(content);
            REQUIRE(frame);
            const auto what = fates ? fates(on->broker, frame->api->key) : fate{};
            if (what.delay <= nanoseconds{0}) {
                answer(on, content, what);
                continue;
            }
            on->busy = true;
            world.loop(machines_.at(on->broker)).call_after(what.delay, [this, on, content, what] {
                on->busy = false;
                answer(on, content, what);
                work(on);
            });
        }
    }
    void answer(const std::shared_ptr<session>& on, const bytes& content, const fate& what) {
        if (!what.heard) return on->peer->close();
        const auto frame = protocol::parse_request_frame(content);
        REQUIRE(frame);
        const auto key = static_cast<std::int16_t>(frame->api->key);
        ++calls_[{on->broker, key}];
        bytes reply;
        if (frame->api->key == protocol::api_key::api_versions) reply = api_versions(*frame);
        else {
            REQUIRE_MESSAGE(handlers_.contains(key), std::string{frame->api->name} << " has no script");
            reply = handlers_[key](on->broker, *frame);
        }
        if (!what.answered) return on->peer->close();
        auto kept = std::make_shared<bytes>(std::move(reply));
        auto send = [on, kept] {
            std::vector<write_piece> pieces(1);
            pieces[0].owner = kept;
            pieces[0].memory = *kept;
            // One write at a time is the stream's rule; the world's links take them in order.
            on->peer->write(std::move(pieces), [](const result<void>&) {});
        };
        if (key == held_) late_.push_back(std::move(send));
        else send();
    }

    std::map<int, sim::node_id> machines_;
    std::vector<std::unique_ptr<listener>> listeners_;
    std::map<std::int16_t, std::function<bytes(int, const protocol::request_frame&)>> handlers_;
    std::map<std::int16_t, std::int16_t> newest_;
    std::map<std::pair<int, std::int16_t>, int> calls_;
    std::int16_t held_ = -1;
    std::vector<std::function<void()>> late_;
};

}  // namespace weir::test
