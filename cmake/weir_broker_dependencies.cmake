# What the broker links to beyond that; the embedded one too, and so whoever links it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET GLOBAL re2)
