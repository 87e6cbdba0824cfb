#ifndef MARTLET_CYAML_DOOR_H
#define MARTLET_CYAML_DOOR_H

#include <stddef.h>
#include <stdint.h>

/// What a token is; the numbers are libyaml's yaml_token_type_t.
typedef struct {
    uint8_t kind;
    /// libyaml's yaml_scalar_style_t of a scalar.
    uint8_t style;
    /// Positions count characters from the start of the text, lines and columns count from 0.
    uint32_t start, start_line, start_column;
    uint32_t end, end_line, end_column;
    /// Where the token's text is in `text`: a scalar's value, an anchor's name, a tag's or directive's handle.
    uint32_t value, value_length;
    /// A tag's suffix or a directive's prefix.
    uint32_t suffix, suffix_length;
} martlet_yaml_token;

/// Why scanning stopped.
enum {
    MARTLET_YAML_OK = 0,
    MARTLET_YAML_SYNTAX = 1,
    MARTLET_YAML_TOO_DEEP = 2,
    MARTLET_YAML_TOO_MANY = 3,
    MARTLET_YAML_MEMORY = 4,
};

typedef struct {
    martlet_yaml_token *tokens;
    size_t token_count;
    uint8_t *text;
    size_t text_length;
    int status;
    /// The line, from 0, that a failure is about.
    uint32_t line;
    /// libyaml's words for a failure; a constant string.
    const char *problem;
} martlet_yaml_scan_result;

/// Scans one stream of at most 2^31 bytes into tokens. Nesting deeper than `max_depth` and streams of more than
/// `max_tokens` are refused. The result is freed with martlet_yaml_free whatever its status.
void martlet_yaml_scan(const uint8_t *bytes, size_t count, size_t max_depth, size_t max_tokens,
                       martlet_yaml_scan_result *result);

void martlet_yaml_free(martlet_yaml_scan_result *result);

#endif
