#include "otlp.hpp"

#include <bit>
#include <cmath>

namespace weir::detail {
namespace {

// Field numbers of the messages below, by their names in the format.
namespace field {
constexpr std::uint32_t metrics_data_resource_metrics = 1;
constexpr std::uint32_t resource_metrics_resource = 1, resource_metrics_scope_metrics = 2;
constexpr std::uint32_t resource_attributes = 1;
constexpr std::uint32_t scope_metrics_scope = 1, scope_metrics_metrics = 2;
constexpr std::uint32_t scope_name = 1;
constexpr std::uint32_t metric_name = 1, metric_gauge = 5, metric_sum = 7;
constexpr std::uint32_t data_points = 1;  // of gauges and sums
constexpr std::uint32_t sum_temporality = 2, sum_is_monotonic = 3;
constexpr std::uint32_t point_start = 2, point_time = 3, point_double = 4, point_int = 6, point_attributes = 7;
constexpr std::uint32_t key_value_key = 1, key_value_value = 2;
constexpr std::uint32_t any_value_string = 1;
}  // namespace field

/// A message under way: fields in the order of the calls.
class message {
public:
    void number(std::uint32_t field, std::uint64_t value) {
        varint(std::uint64_t{field} << 3);
        varint(value);
    }
    void fixed(std::uint32_t field, std::uint64_t value) {
        varint((std::uint64_t{field} << 3) | 1);
        for (int i = 0; i < 8; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
    void text(std::uint32_t field, std::string_view value) { piece(field, as_bytes(value)); }
    void nested(std::uint32_t field, const message& value) { piece(field, value.bytes_); }
    bytes take() { return std::move(bytes_); }

private:
    void varint(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::byte>(value | 0x80));
        bytes_.push_back(static_cast<std::byte>(value));
    }
    void piece(std::uint32_t field, bytes_view value) {
        varint((std::uint64_t{field} << 3) | 2);
        varint(value.size());
        bytes_.insert(bytes_.end(), value.begin(), value.end());
    }
    bytes bytes_;
};

void add_attributes(message& to, std::uint32_t field, const metrics::labels& which) {
    for (const auto& [name, value] : which) {
        message any, one;
        any.text(field::any_value_string, value);
        one.text(field::key_value_key, name);
        one.nested(field::key_value_value, any);
        to.nested(field, one);
    }
}

std::uint64_t nanoseconds_of(std::int64_t ms) { return static_cast<std::uint64_t>(ms) * 1'000'000; }

message metric(const otlp_point& of, temporality of_sums, std::int64_t now_ms) {
    message point, data, whole;
    if (of.sum) point.fixed(field::point_start, nanoseconds_of(of.since_ms));
    point.fixed(field::point_time, nanoseconds_of(now_ms));
    const bool exact = std::trunc(of.value) == of.value && std::abs(of.value) < 9e15;
    if (exact && of.sum) point.fixed(field::point_int, static_cast<std::uint64_t>(static_cast<std::int64_t>(of.value)));
    else point.fixed(field::point_double, std::bit_cast<std::uint64_t>(of.value));
    add_attributes(point, field::point_attributes, of.where);
    data.nested(field::data_points, point);
    if (of.sum) {
        data.number(field::sum_temporality, static_cast<std::uint64_t>(of_sums));
        data.number(field::sum_is_monotonic, 1);
    }
    whole.text(field::metric_name, of.name);
    whole.nested(of.sum ? field::metric_sum : field::metric_gauge, data);
    return whole;
}

}  // namespace

bytes encode_otlp(const std::vector<otlp_point>& points, temporality of_sums, std::int64_t now_ms) {
    message whole;
    for (std::size_t i = 0; i < points.size();) {
        message resource, scope, scoped, group;
        add_attributes(resource, field::resource_attributes, points[i].resource);
        scope.text(field::scope_name, "weir");
        scoped.nested(field::scope_metrics_scope, scope);
        const auto& of = points[i].resource;
        for (; i < points.size() && points[i].resource == of; ++i) scoped.nested(field::scope_metrics_metrics, metric(points[i], of_sums, now_ms));
        group.nested(field::resource_metrics_resource, resource);
        group.nested(field::resource_metrics_scope_metrics, scoped);
        whole.nested(field::metrics_data_resource_metrics, group);
    }
    return whole.take();
}

}  // namespace weir::detail
