#include "CYAMLDoor.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static int append_text(martlet_yaml_scan_result *result, size_t *capacity, const void *bytes, size_t length,
                       uint32_t *offset, uint32_t *stored) {
    if (result->text_length + length > *capacity) {
        size_t wanted = (*capacity + length) * 2 + 1024;
        uint8_t *grown = realloc(result->text, wanted);
        if (grown == NULL) return 0;
        result->text = grown;
        *capacity = wanted;
    }
    if (length > 0) memcpy(result->text + result->text_length, bytes, length);
    *offset = (uint32_t)result->text_length;
    *stored = (uint32_t)length;
    result->text_length += length;
    return 1;
}

static int append_token(martlet_yaml_scan_result *result, size_t *token_capacity, size_t *text_capacity,
                        const yaml_token_t *token) {
    if (result->token_count == *token_capacity) {
        size_t wanted = *token_capacity * 2 + 64;
        martlet_yaml_token *grown = realloc(result->tokens, wanted * sizeof *grown);
        if (grown == NULL) return 0;
        result->tokens = grown;
        *token_capacity = wanted;
    }
    martlet_yaml_token *out = &result->tokens[result->token_count];
    memset(out, 0, sizeof *out);
    out->kind = (uint8_t)token->type;
    out->start = (uint32_t)token->start_mark.index;
    out->start_line = (uint32_t)token->start_mark.line;
    out->start_column = (uint32_t)token->start_mark.column;
    out->end = (uint32_t)token->end_mark.index;
    out->end_line = (uint32_t)token->end_mark.line;
    out->end_column = (uint32_t)token->end_mark.column;
    const void *value = NULL, *suffix = NULL;
    size_t value_length = 0, suffix_length = 0;
    switch (token->type) {
    case YAML_SCALAR_TOKEN:
        out->style = (uint8_t)token->data.scalar.style;
        value = token->data.scalar.value;
        value_length = token->data.scalar.length;
        break;
    case YAML_ALIAS_TOKEN: value = token->data.alias.value; break;
    case YAML_ANCHOR_TOKEN: value = token->data.anchor.value; break;
    case YAML_TAG_TOKEN:
        value = token->data.tag.handle;
        suffix = token->data.tag.suffix;
        break;
    case YAML_TAG_DIRECTIVE_TOKEN:
        value = token->data.tag_directive.handle;
        suffix = token->data.tag_directive.prefix;
        break;
    default: break;
    }
    if (token->type != YAML_SCALAR_TOKEN && value != NULL) value_length = strlen(value);
    if (suffix != NULL) suffix_length = strlen(suffix);
    if (!append_text(result, text_capacity, value, value_length, &out->value, &out->value_length)) return 0;
    if (!append_text(result, text_capacity, suffix, suffix_length, &out->suffix, &out->suffix_length)) return 0;
    result->token_count += 1;
    return 1;
}

static int depth_change(yaml_token_type_t type) {
    switch (type) {
    case YAML_BLOCK_SEQUENCE_START_TOKEN:
    case YAML_BLOCK_MAPPING_START_TOKEN:
    case YAML_FLOW_SEQUENCE_START_TOKEN:
    case YAML_FLOW_MAPPING_START_TOKEN: return 1;
    case YAML_BLOCK_END_TOKEN:
    case YAML_FLOW_SEQUENCE_END_TOKEN:
    case YAML_FLOW_MAPPING_END_TOKEN: return -1;
    default: return 0;
    }
}

void martlet_yaml_scan(const uint8_t *bytes, size_t count, size_t max_depth, size_t max_tokens,
                       martlet_yaml_scan_result *result) {
    memset(result, 0, sizeof *result);
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        result->status = MARTLET_YAML_MEMORY;
        return;
    }
    yaml_parser_set_input_string(&parser, bytes, count);
    // An explicit encoding keeps libyaml from guessing UTF-16 from the first bytes.
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    size_t token_capacity = 0, text_capacity = 0;
    long depth = 0;
    int done = 0;
    while (!done) {
        yaml_token_t token;
        if (!yaml_parser_scan(&parser, &token)) {
            result->status = parser.error == YAML_MEMORY_ERROR ? MARTLET_YAML_MEMORY : MARTLET_YAML_SYNTAX;
            result->problem = parser.problem;
            result->line = (uint32_t)parser.problem_mark.line;
            break;
        }
        done = token.type == YAML_STREAM_END_TOKEN || token.type == YAML_NO_TOKEN;
        depth += depth_change(token.type);
        uint32_t line = (uint32_t)token.start_mark.line;
        if (!append_token(result, &token_capacity, &text_capacity, &token)) {
            result->status = MARTLET_YAML_MEMORY;
            done = 1;
        } else if (depth > (long)max_depth) {
            result->status = MARTLET_YAML_TOO_DEEP;
            result->line = line;
            done = 1;
        } else if (result->token_count > max_tokens) {
            result->status = MARTLET_YAML_TOO_MANY;
            result->line = line;
            done = 1;
        }
        yaml_token_delete(&token);
    }
    yaml_parser_delete(&parser);
}

void martlet_yaml_free(martlet_yaml_scan_result *result) {
    free(result->tokens);
    free(result->text);
    memset(result, 0, sizeof *result);
}
