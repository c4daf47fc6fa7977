# What the SDK links to, all of it from Debian packages (scripts/packages lists them). Installed with the package, since who
# links a static library needs the same.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # as a subdirectory, too, the project above links these
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET GLOBAL liblz4)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET GLOBAL libzstd)
pkg_check_modules(SNAPPY REQUIRED IMPORTED_TARGET GLOBAL snappy)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET GLOBAL libisal)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET GLOBAL re2)
