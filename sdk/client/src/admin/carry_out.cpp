#include "carry_out.hpp"

namespace weir::detail {
namespace {

/// Items that go over one connection in one request.
struct load {
    connection_ptr link;
    std::vector<std::size_t> items;
};

task<void> exchange(call_ptr call, undertaking& work, load what, error& whole) {
    auto& all = work.items();
    const auto speaks = work.speaks();
    const ask_context context{speaks.version_on(*what.link), call->left_ms()};
    auto asking = what.link->exchange(speaks.key, speaks.oldest, speaks.newest, work.ask(what.items, context), call->patience());
    auto got = co_await asking;
    const auto why = got ? work.read(*what.link, *got, what.items) : got.error();
    if (why && work.where(what.items.front()).how == place::kind::any) whole = why;
    for (const auto i : what.items) {
        if (!all.open(i)) continue;
        if (why) all.fail(i, why);
        else if (!all.obstacle(i)) all.close(i, error{errc::unknown_server_error, "the broker's answer says nothing about it"});
        if (all.open(i)) forget(*call, work.where(i), all.obstacle(i).code());
    }
}

/// As many items on each connection as its version can carry.
class loads {
public:
    explicit loads(const undertaking& work) : work_(work), speaks_(work.speaks()) {}
    void add(const connection_ptr& link, std::size_t item) {
        const auto [at, fresh] = newest_.try_emplace(link.get(), all_.size());
        if (!fresh && all_[at->second].items.size() >= work_.capacity(speaks_.version_on(*link))) at->second = all_.size();
        if (at->second == all_.size()) all_.push_back({link, {}});
        all_[at->second].items.push_back(item);
    }
    std::vector<load> take() { return std::move(all_); }

private:
    const undertaking& work_;
    dialect speaks_;
    std::vector<load> all_;
    std::map<const net::connection*, std::size_t> newest_;
};

}  // namespace

task<result<void>> carry_out(call_ptr call, undertaking& work) {
    auto& all = work.items();
    attempts tries{call};
    while (all.open()) {
        std::vector<std::size_t> pending;
        std::vector<place> places;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!all.open(i)) continue;
            pending.push_back(i);
            places.push_back(work.where(i));
            all.hinder(i, {});
        }
        all.unknown_topics_pass = places.front().how == place::kind::leader && tries.failed() + 1 < attempts_at_unknown_topics;
        all.throttled = {};
        const bool of_all = places.front().how == place::kind::any;
        const bool nothing_yet = all.untouched();
        auto looking = locate(call, places);
        auto links = co_await looking;
        error whole;
        loads by_link{work};
        for (std::size_t n = 0; n < pending.size(); ++n) {
            if (links[n]) {
                by_link.add(*links[n], pending[n]);
                continue;
            }
            if (of_all) whole = links[n].error();
            all.fail(pending[n], links[n].error());
            if (all.open(pending[n])) forget(*call, places[n], links[n].code());
        }
        std::vector<task<void>> parts;
        for (auto& each : by_link.take()) parts.push_back(exchange(call, work, std::move(each), whole));
        auto exchanging = when_all(std::move(parts));
        co_await exchanging;
        if (whole && nothing_yet && !all.open()) co_return whole;
        if (!all.open()) break;
        error obstacle = whole;
        for (std::size_t n = 0; n < pending.size() && !obstacle; ++n) obstacle = all.obstacle(pending[n]);
        auto pausing = tries.again(obstacle, all.throttled);
        if (auto more = co_await pausing; !more) {
            if (of_all && all.untouched()) co_return more.error();
            for (const auto i : pending) {
                if (all.open(i)) all.close(i, error{more.code(), std::string{more.error().what()}, all.obstacle(i)});
            }
        }
    }
    co_return result<void>{};
}

task<result<void>> ask(call_ptr call, place to, dialect speaks, net::request_framer& request, answer_reader& read) {
    for (attempts tries{call};;) {
        auto looking = locate(call, to);
        auto link = co_await looking;
        error obstacle = link.error();
        if (link) {
            net::request_framer again = [&request](std::int16_t version, std::int32_t correlation, const std::string& client) { return request(version, correlation, client); };
            auto asking = (*link)->exchange(speaks.key, speaks.oldest, speaks.newest, std::move(again), call->patience());
            auto got = co_await asking;
            obstacle = got ? read(**link, *got) : got.error();
            if (!obstacle) co_return result<void>{};
        }
        if (!passing(obstacle.code())) co_return obstacle;
        forget(*call, to, obstacle.code());
        auto pausing = tries.again(obstacle);
        if (auto more = co_await pausing; !more) co_return more.error();
    }
}

}  // namespace weir::detail
