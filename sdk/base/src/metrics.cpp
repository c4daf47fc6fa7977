#include <weir/base/metrics.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <list>
#include <map>
#include <mutex>

namespace weir::metrics {
namespace {

std::string valid_name(std::string_view name) {
    std::string valid{name};
    for (std::size_t i = 0; i < valid.size(); ++i) {
        const char c = valid[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
        const bool digit = c >= '0' && c <= '9' && i > 0;
        if (!letter && !digit) valid[i] = '_';
    }
    return valid;
}

void append_escaped(std::string& to, std::string_view text, bool quotes) {
    for (const char c : text) {
        if (c == '\\')
            to += "\\\\";
        else if (c == '\n')
            to += "\\n";
        else if (c == '"' && quotes)
            to += "\\\"";
        else
            to.push_back(c);
    }
}

// `a="b",c="d"`: what stands between the braces.
std::string label_text(const labels& where) {
    std::string text;
    for (const auto& [name, value] : where) {
        if (!text.empty()) text.push_back(',');
        text += valid_name(name);
        text += "=\"";
        append_escaped(text, value, true);
        text.push_back('"');
    }
    return text;
}

std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    return fmt::format("{}", value);
}

void append_sample(std::string& to, std::string_view name, std::string_view where, std::string_view value) {
    to += name;
    if (!where.empty()) to.append("{").append(where).append("}");
    to.append(" ").append(value).append("\n");
}

struct series {
    std::vector<std::weak_ptr<counter>> counters;
    std::vector<std::weak_ptr<gauge>> gauges;
    std::vector<std::weak_ptr<histogram>> histograms;
    double scale = 1;
};

struct collector {
    std::string family;
    function<void(sample_sink&)> run;
};

struct family {
    std::string help;
    std::string_view type;
    std::map<std::string, series> members;  // by label text
};

class collected final : public sample_sink {
public:
    void add(const labels& where, double value) override { samples[label_text(where)] += value; }
    std::map<std::string, double> samples;
};

template <class T>
bool forget_dead(std::vector<std::weak_ptr<T>>& held) {
    std::erase_if(held, [](const std::weak_ptr<T>& each) { return each.expired(); });
    return held.empty();
}

template <class T>
std::vector<std::shared_ptr<T>> alive(std::vector<std::weak_ptr<T>>& held) {
    std::vector<std::shared_ptr<T>> there;
    std::erase_if(held, [&](const std::weak_ptr<T>& each) {
        if (auto owned = each.lock()) {
            there.push_back(std::move(owned));
            return false;
        }
        return true;
    });
    return there;
}

void append_summary(std::string& to, std::string_view name, const std::string& where, double scale,
                    const std::vector<std::shared_ptr<histogram>>& parts) {
    const auto whole = std::make_unique<histogram>();
    for (const auto& part : parts) whole->merge(*part);
    constexpr std::pair<double, std::string_view> shown[] = {
        {0.5, "0.5"}, {0.75, "0.75"}, {0.95, "0.95"}, {0.99, "0.99"}, {0.999, "0.999"}};
    for (const auto& [q, text] : shown) {
        const auto labelled = fmt::format("{}{}quantile=\"{}\"", where, where.empty() ? "" : ",", text);
        append_sample(to, name, labelled, number(whole->quantile(q) * scale));
    }
    append_sample(to, fmt::format("{}_sum", name), where, number(static_cast<double>(whole->sum()) * scale));
    append_sample(to, fmt::format("{}_count", name), where, fmt::format("{}", whole->count()));
}

}  // namespace

std::size_t histogram::bucket_of(std::uint64_t value) noexcept {
    if (value < (1u << sub_bits)) return static_cast<std::size_t>(value);
    const int doubling = std::bit_width(value) - 1 - sub_bits;  // 0 for [4, 8)
    const auto within = static_cast<std::size_t>(value >> doubling) - (1u << sub_bits);
    const auto bucket = (static_cast<std::size_t>(doubling + 1) << sub_bits) + within;
    return std::min(bucket, bucket_count - 1);
}

std::uint64_t histogram::lower_end(std::size_t bucket) noexcept {
    if (bucket < (1u << sub_bits)) return bucket;
    const auto doubling = (bucket >> sub_bits) - 1;
    return ((bucket & ((1u << sub_bits) - 1)) + (1u << sub_bits)) << doubling;
}

std::uint64_t histogram::count() const noexcept {
    std::uint64_t total = 0;
    for (const auto& bucket : buckets_) total += bucket.load(std::memory_order_relaxed);
    return total;
}

double histogram::quantile(double q) const noexcept {
    const auto total = count();
    if (total == 0) return 0;
    const double wanted = q * static_cast<double>(total);
    double below = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
        const auto here = static_cast<double>(buckets_[i].load(std::memory_order_relaxed));
        if (here > 0 && below + here >= wanted) {
            const auto low = static_cast<double>(lower_end(i));
            const auto width = static_cast<double>(lower_end(i + 1)) - low;
            if (width <= 1) return low;
            return low + width * (wanted - below) / here;
        }
        below += here;
    }
    return static_cast<double>(lower_end(bucket_count));
}

void histogram::merge(const histogram& other) noexcept {
    for (std::size_t i = 0; i < bucket_count; ++i) {
        const auto there = other.buckets_[i].load(std::memory_order_relaxed);
        if (there > 0) buckets_[i].fetch_add(there, std::memory_order_relaxed);
    }
    sum_.fetch_add(other.sum(), std::memory_order_relaxed);
}

struct registry::state {
    std::mutex mutex;
    std::map<std::string, family> families;
    std::list<collector> collectors;

    family& family_for(std::string_view name, std::string_view help, std::string_view type) {
        auto [found, made] = families.try_emplace(valid_name(name));
        if (made) {
            found->second.help = help;
            found->second.type = type;
        }
        return found->second;
    }

    /// Where a new object goes. Nobody may ever read this registry, so that what has gone is swept here too, now and then.
    series& series_for(std::string_view name, std::string_view help, std::string_view type, const labels& where) {
        if (++made_since_sweep_ > std::max<std::size_t>(1024, left_by_sweep_)) sweep();
        return family_for(name, help, type).members[label_text(where)];
    }

private:
    void sweep() {
        made_since_sweep_ = left_by_sweep_ = 0;
        for (auto& [name, family] : families) {
            for (auto member = family.members.begin(); member != family.members.end();) {
                const bool no_counters = forget_dead(member->second.counters);
                const bool no_gauges = forget_dead(member->second.gauges);
                const bool gone = forget_dead(member->second.histograms) && no_counters && no_gauges;
                member = gone ? family.members.erase(member) : std::next(member);
            }
            left_by_sweep_ += family.members.size();
        }
    }
    std::size_t made_since_sweep_ = 0;
    std::size_t left_by_sweep_ = 0;
};

registry::registry() : state_(std::make_shared<state>()) {}
registry::~registry() = default;

std::shared_ptr<counter> registry::counter(std::string_view name, std::string_view help, const labels& where) {
    auto made = std::make_shared<metrics::counter>();
    const std::lock_guard held{state_->mutex};
    state_->series_for(name, help, "counter", where).counters.push_back(made);
    return made;
}

std::shared_ptr<gauge> registry::gauge(std::string_view name, std::string_view help, const labels& where) {
    auto made = std::make_shared<metrics::gauge>();
    const std::lock_guard held{state_->mutex};
    state_->series_for(name, help, "gauge", where).gauges.push_back(made);
    return made;
}

std::shared_ptr<histogram> registry::histogram(std::string_view name, std::string_view help, const labels& where,
                                               double scale) {
    auto made = std::make_shared<metrics::histogram>();
    const std::lock_guard held{state_->mutex};
    auto& mine = state_->series_for(name, help, "summary", where);
    mine.histograms.push_back(made);
    mine.scale = scale;
    return made;
}

registration registry::gauge_from(std::string_view name, std::string_view help, labels where, function<double()> read) {
    return collect(
        name, help, series_type::gauge,
        [where = std::move(where), read = std::move(read)](sample_sink& sink) mutable { sink.add(where, read()); });
}

registration registry::collect(std::string_view name, std::string_view help, series_type type,
                               function<void(sample_sink&)> run) {
    const std::lock_guard held{state_->mutex};
    state_->family_for(name, help, type == series_type::counter ? "counter" : "gauge");
    const auto mine = state_->collectors.insert(state_->collectors.end(), {valid_name(name), std::move(run)});
    return registration{[mine, weak = std::weak_ptr{state_}] {
        if (const auto there = weak.lock()) {
            std::list<collector> gone;  // dropped after the lock
            const std::lock_guard held{there->mutex};
            gone.splice(gone.begin(), there->collectors, mine);
        }
    }};
}

std::string registry::text() const {
    const std::lock_guard held{state_->mutex};
    std::map<std::string_view, collected> from_collectors;
    for (auto& each : state_->collectors) each.run(from_collectors[each.family]);
    std::string text;
    for (auto& [name, family] : state_->families) {
        std::string samples;
        for (auto member = family.members.begin(); member != family.members.end();) {
            const auto counters = alive(member->second.counters);
            const auto gauges = alive(member->second.gauges);
            const auto histograms = alive(member->second.histograms);
            if (counters.empty() && gauges.empty() && histograms.empty()) {
                member = family.members.erase(member);
                continue;
            }
            if (!counters.empty()) {
                std::uint64_t total = 0;
                for (const auto& each : counters) total += each->value();
                append_sample(samples, name, member->first, fmt::format("{}", total));
            }
            if (!gauges.empty()) {
                double total = 0;
                for (const auto& each : gauges) total += each->value();
                append_sample(samples, name, member->first, number(total));
            }
            if (!histograms.empty()) append_summary(samples, name, member->first, member->second.scale, histograms);
            ++member;
        }
        if (const auto found = from_collectors.find(name); found != from_collectors.end()) {
            for (const auto& [where, value] : found->second.samples) append_sample(samples, name, where, number(value));
        }
        if (samples.empty()) continue;
        text.append("# HELP ").append(name).append(" ");
        append_escaped(text, family.help, false);
        text.append("\n# TYPE ").append(name).append(" ").append(family.type).append("\n").append(samples);
    }
    return text;
}

}  // namespace weir::metrics
