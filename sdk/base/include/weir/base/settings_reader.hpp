// From files and command lines to config structs, with every mistake reported at its line.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/setting.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Which names of a row count. A topic's config filled from a broker's file goes by synonyms alone: there "retention.ms"
/// is no setting, but its synonyms "log.retention.ms" and "log.retention.hours" are.
enum class setting_names : std::uint8_t { own_and_synonyms, synonyms_only };

/// Collects what was given (later ones replace earlier ones of the same name), fills config structs from it, and says at
/// the end everything that is wrong, so that one start shows all mistakes:
///
///     settings_reader reader;
///     reader.add_text("server.properties", text);        // each entry remembers file and line
///     reader.add("port", "9092", "--override");
///     reader.read(server);
///     reader.read(log_defaults, setting_names::synonyms_only);
///     if (auto all_well = reader.finish(); !all_well) ...
class settings_reader {
public:
    struct given {
        std::string value;
        std::string where;  ///< "server.properties:12" or "--override"
    };

    /// Adds the entries of a properties file; what is wrong in it is reported by finish().
    void add_text(std::string_view file, std::string_view text);
    void add(std::string_view name, std::string_view value, std::string_view where);

    template <class Config>
    void read(Config& into, setting_names names = setting_names::own_and_synonyms) {
        read(Config::settings(), &into, names);
    }
    void read(std::span<const setting> rows, void* config, setting_names names);

    /// Names that are right although no row has them; a trailing '*' stands for any ending ("listener.name.*").
    void accept(std::string_view name);

    /// What was given under `name`, whoever reads it; nullptr when nothing.
    const given* find(std::string_view name) const noexcept;
    const std::map<std::string, given, std::less<>>& entries() const noexcept { return entries_; }
    /// An error of the caller's own about a setting, placed at its line.
    void report(std::string_view name, std::string_view problem);

    /// errc::invalid_setting with one line per mistake, names that nobody knows included.
    result<void> finish() const;

private:
    std::map<std::string, given, std::less<>> entries_;
    std::map<std::string, bool, std::less<>> known_;  // exact names; true: somebody read it
    std::vector<std::string> prefixes_;
    std::vector<std::string> problems_;
};

}  // namespace weir
