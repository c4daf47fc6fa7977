#include "record_formatter.hpp"

#include "../suggest.hpp"
#include "line_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace weir::tools {

namespace {

struct coordinator_layout {
    std::string_view name;
    record_kind kind;
    int types[2];  // of keys; -1: all
};
constexpr coordinator_layout coordinator_layouts[] = {
    {"OffsetsMessageFormatter", record_kind::offsets, {0, 1}},
    {"GroupMetadataMessageFormatter", record_kind::offsets, {2, 2}},
    {"ConsumerGroupMessageFormatter", record_kind::offsets, {-1, -1}},
    {"TransactionLogMessageFormatter", record_kind::transactions, {-1, -1}},
    {"ShareGroupStateMessageFormatter", record_kind::share_state, {-1, -1}},
};

constexpr std::string_view property_names[] = {
    "print.timestamp", "print.key", "print.value", "print.partition", "print.offset", "print.delivery", "print.epoch", "print.headers", "key.separator",
    "line.separator", "headers.separator", "null.literal", "key.deserializer", "value.deserializer", "headers.deserializer",
};

}  // namespace

result<record_formatter> record_formatter::make(std::string_view name, const std::vector<std::pair<std::string, std::string>>& properties) {
    record_formatter made;
    const auto simple = name.substr(name.find_last_of(".$") + 1);
    const auto* coordinator = std::find_if(std::begin(coordinator_layouts), std::end(coordinator_layouts), [&](const auto& each) { return each.name == simple; });
    if (coordinator != std::end(coordinator_layouts)) {
        made.layout_ = layout::coordinator;
        made.decoder_.kind = coordinator->kind;
        made.decoder_.as_dump = false;
        if (coordinator->types[0] >= 0) made.key_types_.assign(std::begin(coordinator->types), std::end(coordinator->types));
    } else if (simple == "NoOpMessageFormatter") {
        made.layout_ = layout::nothing;
    } else if (!simple.empty() && simple != "DefaultMessageFormatter" && simple != "LoggingMessageFormatter") {  // a log of its own there is not
        return error{errc::invalid_setting, fmt::format("there is no formatter '{}' here: DefaultMessageFormatter, NoOpMessageFormatter, OffsetsMessageFormatter, "
                                                        "GroupMetadataMessageFormatter, ConsumerGroupMessageFormatter, TransactionLogMessageFormatter and "
                                                        "ShareGroupStateMessageFormatter are; Java classes cannot be loaded", name)};
    }
    for (const auto& [property, value] : properties) {
        const auto form = [&](value_form& into) -> result<void> {
            auto found = value_form_named(value);
            if (!found) return error{errc::invalid_setting, property + ": " + std::string{found.error().what()}};
            into = *found;
            return {};
        };
        result<void> done;
        if (property == "print.timestamp") made.print_timestamp_ = is_true(value);
        else if (property == "print.key") made.print_key_ = is_true(value);
        else if (property == "print.value") made.print_value_ = is_true(value);
        else if (property == "print.partition") made.print_partition_ = is_true(value);
        else if (property == "print.offset") made.print_offset_ = is_true(value);
        else if (property == "print.delivery") made.print_delivery_ = is_true(value);
        else if (property == "print.epoch") made.print_epoch_ = is_true(value);
        else if (property == "print.headers") made.print_headers_ = is_true(value);
        else if (property == "key.separator") made.key_separator_ = value;
        else if (property == "line.separator") made.line_separator_ = value;
        else if (property == "headers.separator") made.headers_separator_ = value;
        else if (property == "null.literal") made.null_literal_ = value;
        else if (property == "key.deserializer") done = form(made.key_form_);
        else if (property == "value.deserializer") done = form(made.value_form_);
        else if (property == "headers.deserializer") done = form(made.headers_form_);
        else {
            const auto near = nearest(property, property_names);
            return error{errc::invalid_setting, fmt::format("{} is no property of the formatter{}", property, near.empty() ? "" : fmt::format("; did you mean {}?", near))};
        }
        if (!done) return done.error();
    }
    return made;
}

result<std::string> record_formatter::text_of(value_form form, bytes_view data) const {
    if (!data.data()) return to_text(form == value_form::text ? form : value_form::raw, as_bytes(null_literal_));
    return to_text(form, data);
}

result<void> record_formatter::print(const shown_record& record, output& out) {
    if (layout_ == layout::nothing) return {};
    if (layout_ == layout::coordinator) {
        print_coordinator(record, out);
        return {};
    }
    return out.json() ? print_json(record, out) : print_text(record, out);
}

result<void> record_formatter::print_text(const shown_record& record, output& out) {
    line_.clear();
    auto to = std::back_inserter(line_);
    bool first = true;
    const auto begin = [&] {
        if (!std::exchange(first, false)) line_ += key_separator_;
    };
    if (print_timestamp_) {
        begin();
        const auto time = record.info.time.time_since_epoch().count();
        if (time < 0) line_ += "NO_TIMESTAMP";
        else fmt::format_to(to, "{}:{}", record.info.append_time ? "LogAppendTime" : "CreateTime", time);
    }
    if (print_partition_) {
        begin();
        fmt::format_to(to, "Partition:{}", record.info.partition);
    }
    if (print_offset_) {
        begin();
        fmt::format_to(to, "Offset:{}", record.info.offset);
    }
    if (print_delivery_) {
        begin();
        line_ += record.delivery_count ? fmt::format("Delivery:{}", *record.delivery_count) : "Delivery:NOT_PRESENT";
    }
    if (print_epoch_) {
        begin();
        line_ += record.info.leader_epoch >= 0 ? fmt::format("Epoch:{}", record.info.leader_epoch) : "Epoch:NOT_PRESENT";
    }
    if (print_headers_) {
        begin();
        if (record.info.headers.empty()) line_ += "NO_HEADERS";
        bool first_header = true;
        for (const auto& each : record.info.headers) {
            if (!std::exchange(first_header, false)) line_ += headers_separator_;
            auto text = text_of(headers_form_, each.value.value_or(bytes_view{}));
            if (!text) return error{text.code(), fmt::format("header {}: {}", each.name, text.error().what())};
            fmt::format_to(to, "{}:{}", each.name, *text);
        }
    }
    if (print_key_) {
        begin();
        auto text = text_of(key_form_, record.key);
        if (!text) return error{text.code(), "key: " + std::string{text.error().what()}};
        line_ += *text;
    }
    if (print_value_) {
        begin();
        if (value_form_ == value_form::raw && record.value.data()) {
            line_ += as_text(record.value);
        } else {
            auto text = text_of(value_form_, record.value);
            if (!text) return error{text.code(), "value: " + std::string{text.error().what()}};
            line_ += *text;
        }
    }
    if (first) return {};
    line_ += line_separator_;
    out.print(line_);
    return {};
}

result<void> record_formatter::print_json(const shown_record& record, output& out) {
    json_writer document;
    const auto number = [&](std::string_view name, std::int64_t value) {
        document.key(name);
        document.number(value);
    };
    const auto part = [&](std::string_view name, value_form form, bytes_view data) -> result<void> {
        document.key(name);
        if (!data.data()) {
            document.null();
            return {};
        }
        auto text = to_text(form, data);
        if (!text) return error{text.code(), fmt::format("{}: {}", name, text.error().what())};
        document.string(*text);
        return {};
    };
    document.begin_object();
    document.key("topic");
    document.string(record.info.topic);
    number("partition", record.info.partition);
    number("offset", record.info.offset);
    number("timestamp", record.info.time.time_since_epoch().count());
    if (record.info.leader_epoch >= 0) number("leaderEpoch", record.info.leader_epoch);
    if (record.delivery_count) number("deliveryCount", *record.delivery_count);
    document.key("headers");
    document.begin_array();
    for (const auto& each : record.info.headers) {
        document.begin_object();
        document.key("key");
        document.string(each.name);
        if (auto done = part("value", headers_form_, each.value.value_or(bytes_view{})); !done) return done;
        document.end_object();
    }
    document.end_array();
    if (auto done = part("key", key_form_, record.key); !done) return done;
    if (auto done = part("value", value_form_, record.value); !done) return done;
    document.end_object();
    out.line(std::move(document));
    return {};
}

void record_formatter::print_coordinator(const shown_record& record, output& out) const {
    if (!record.key.data() || record.key.size() < 2) return;
    const auto type = load_big_endian<std::int16_t>(record.key.data());
    if (!key_types_.empty() && std::find(key_types_.begin(), key_types_.end(), type) == key_types_.end()) return;
    protocol::record_view plain;
    plain.offset = record.info.offset;
    plain.key = record.key;
    if (record.value.data()) plain.value = record.value;
    const auto found = decoder_.decode(plain);
    if (!found.json) return;  // of a newer version: Kafka's formatters pass over it, too
    out.line(fmt::format("{{\"key\":{},\"value\":{}}}", *found.key, found.payload && *found.payload != "<DELETE>" ? *found.payload : "null"));
}

}  // namespace weir::tools
