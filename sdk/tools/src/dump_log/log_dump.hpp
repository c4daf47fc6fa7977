// The content of a log or snapshot file, batch by batch.
#pragma once
#include "../output.hpp"
#include "record_decoder.hpp"

#include <weir/base/files.hpp>

namespace weir::tools {

struct log_dump_settings {
    record_decoder decoder;
    bool print_data = false;
    bool deep = false;
    bool skip_record_metadata = false;
    std::uint64_t max_bytes = ~std::uint64_t{0};
};

/// Something in a file that should not be so; told after all files, on stderr.
using findings = std::vector<std::string>;

/// Prints every batch, and its records when asked; one JSON object per batch with --output json.
result<void> dump_log_file(file_system& files, const std::string& path, const log_dump_settings& how, output& out, findings& wrong);

}  // namespace weir::tools
