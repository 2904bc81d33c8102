#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace guestbook {

/// One `name=value` of a log line. The value is quoted and escaped where it has to be.
struct LogField {
  std::string_view name;
  std::string value;
};

/// Logs go to standard error, one line each: `time=… level=… event=… name=value …`. Call once, before the first line.
void start_logging();

/// Thread-safe. Never hand over a URL, a password or a delete token.
void log_information(std::string_view event, std::initializer_list<LogField> fields = {});
void log_warning(std::string_view event, std::initializer_list<LogField> fields = {});
void log_error(std::string_view event, std::initializer_list<LogField> fields = {});

}  // namespace guestbook
