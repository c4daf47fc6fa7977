// Settings by Kafka's names: what a properties file says, and what `.extra` of every config takes.
#pragma once
#include <weir/base/error.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

class file_system;
struct setting;

/// Names with their values, in the order given. A name that is set again keeps its place and takes the new value, as in
/// Java. Whether a name is known and its value allowed is found out where they are used: a config's `extra`, or a client.
class properties {
public:
    struct entry {
        std::string name{};
        std::string value{};
        std::string where{};  ///< "client.properties:7", for errors; empty: from the program
    };
    properties() = default;
    properties(std::initializer_list<entry> entries) {
        for (const auto& each : entries) set(each.name, each.value, each.where);
    }
    void set(std::string name, std::string value, std::string where = {});
    /// nullptr when there is none.
    const entry* find(std::string_view name) const noexcept;

    auto begin() const noexcept { return entries_.begin(); }
    auto end() const noexcept { return entries_.end(); }
    std::size_t size() const noexcept { return entries_.size(); }
    bool empty() const noexcept { return entries_.empty(); }

private:
    std::vector<entry> entries_;
};

/// Reads a Java properties file; blocks. Where it names config.providers, references such as ${file:/run/secrets/kafka:password}
/// are filled (KIP-297). errc::not_found or errc::io_error names the path, errc::malformed the line, errc::invalid_setting the
/// reference that cannot be filled.
result<properties> load_properties(const std::string& path);
result<properties> load_properties(file_system& files, const std::string& path);

}  // namespace weir
