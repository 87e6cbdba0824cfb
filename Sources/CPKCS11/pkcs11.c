#include "pkcs11.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

// The types and numbers of PKCS #11 2.40 that are used here, written from the standard's text. On Unix the structures
// have the platform's own alignment.
typedef unsigned long ck_ulong;
typedef ck_ulong ck_rv;
typedef unsigned char ck_bool;

struct ck_version {
    unsigned char major, minor;
};

struct ck_token_info {
    unsigned char label[32], manufacturer[32], model[16], serial[16];
    ck_ulong flags;
    ck_ulong max_sessions, sessions, max_rw_sessions, rw_sessions;
    ck_ulong max_pin_size, min_pin_size;
    ck_ulong total_public_memory, free_public_memory, total_private_memory, free_private_memory;
    struct ck_version hardware, firmware;
    unsigned char time[16];
};

struct ck_attribute {
    ck_ulong type;
    void *value;
    ck_ulong size;
};

struct ck_mechanism {
    ck_ulong mechanism;
    void *parameter;
    ck_ulong parameter_size;
};

struct ck_pss_parameters {
    ck_ulong hash, mask, salt_size;
};

struct ck_initialize {
    void *create_mutex, *destroy_mutex, *lock_mutex, *unlock_mutex;
    ck_ulong flags;
    void *reserved;
};

enum {
    CKF_OS_LOCKING_OK = 2,
    CKF_RW_SESSION = 2,
    CKF_SERIAL_SESSION = 4,
    CKU_USER = 1,
    CKU_CONTEXT_SPECIFIC = 2,
    CKO_PUBLIC_KEY = 2,
    CKO_PRIVATE_KEY = 3,
    CKA_CLASS = 0,
    CKA_TOKEN = 1,
    CKA_PRIVATE = 2,
    CKA_LABEL = 3,
    CKA_ID = 0x102,
    CKA_SENSITIVE = 0x103,
    CKA_SIGN = 0x108,
    CKA_VERIFY = 0x10A,
    CKA_MODULUS_BITS = 0x121,
    CKA_PUBLIC_EXPONENT = 0x122,
    CKA_EXTRACTABLE = 0x162,
    CKA_EC_PARAMS = 0x180,
    CKR_OK = 0,
    CKR_USER_ALREADY_LOGGED_IN = 0x100,
    CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191,
};

// A function that is not called here; it keeps its place in the list.
typedef ck_rv (*unused)(void);

// CK_FUNCTION_LIST as far as C_GenerateKeyPair, in the standard's order.
struct ck_functions {
    struct ck_version version;
    ck_rv (*initialize)(void *);
    unused finalize, get_info, get_function_list;
    ck_rv (*get_slot_list)(ck_bool, ck_ulong *, ck_ulong *);
    unused get_slot_info;
    ck_rv (*get_token_info)(ck_ulong, struct ck_token_info *);
    unused get_mechanism_list, get_mechanism_info, init_token, init_pin, set_pin;
    ck_rv (*open_session)(ck_ulong, ck_ulong, void *, void *, ck_ulong *);
    ck_rv (*close_session)(ck_ulong);
    unused close_all_sessions, get_session_info, get_operation_state, set_operation_state;
    ck_rv (*login)(ck_ulong, ck_ulong, unsigned char *, ck_ulong);
    unused logout, create_object, copy_object, destroy_object, get_object_size;
    ck_rv (*get_attribute_value)(ck_ulong, ck_ulong, struct ck_attribute *, ck_ulong);
    unused set_attribute_value;
    ck_rv (*find_objects_init)(ck_ulong, struct ck_attribute *, ck_ulong);
    ck_rv (*find_objects)(ck_ulong, ck_ulong *, ck_ulong, ck_ulong *);
    ck_rv (*find_objects_final)(ck_ulong);
    unused encrypt_init, encrypt, encrypt_update, encrypt_final;
    unused decrypt_init, decrypt, decrypt_update, decrypt_final;
    unused digest_init, digest, digest_update, digest_key, digest_final;
    ck_rv (*sign_init)(ck_ulong, struct ck_mechanism *, ck_ulong);
    ck_rv (*sign)(ck_ulong, unsigned char *, ck_ulong, unsigned char *, ck_ulong *);
    unused sign_update, sign_final, sign_recover_init, sign_recover;
    unused verify_init, verify, verify_update, verify_final, verify_recover_init, verify_recover;
    unused digest_encrypt_update, decrypt_digest_update, sign_encrypt_update, decrypt_verify_update;
    unused generate_key;
    ck_rv (*generate_key_pair)(
        ck_ulong, struct ck_mechanism *, struct ck_attribute *, ck_ulong, struct ck_attribute *, ck_ulong, ck_ulong *,
        ck_ulong *);
};

static const struct ck_functions *functions(void *module) { return module; }

long martlet_pkcs11_open(const char *path, void **module, char *text, size_t text_size) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(text, text_size, "%s", reason ? reason : "");
        return MARTLET_PKCS11_NOT_LOADED;
    }
    ck_rv (*get)(struct ck_functions **) = NULL;
    // POSIX gives functions as data pointers; a cast would be undefined.
    void *symbol = dlsym(library, "C_GetFunctionList");
    memcpy(&get, &symbol, sizeof get);
    struct ck_functions *list = NULL;
    if (!get || get(&list) != CKR_OK || !list || list->version.major != 2 || !list->initialize ||
        !list->get_slot_list || !list->get_token_info || !list->open_session || !list->close_session || !list->login ||
        !list->get_attribute_value || !list->find_objects_init || !list->find_objects || !list->find_objects_final ||
        !list->sign_init || !list->sign || !list->generate_key_pair) {
        dlclose(library);
        return MARTLET_PKCS11_NO_MODULE;
    }
    struct ck_initialize arguments = {.flags = CKF_OS_LOCKING_OK};
    ck_rv status = list->initialize(&arguments);
    // The library stays even so: it may have begun threads.
    if (status != CKR_OK && status != CKR_CRYPTOKI_ALREADY_INITIALIZED) return (long)status;
    *module = list;
    return CKR_OK;
}

long martlet_pkcs11_slots(void *module, unsigned long *slots, unsigned long *count) {
    return (long)functions(module)->get_slot_list(1, slots, count);
}

long martlet_pkcs11_token_info(void *module, unsigned long slot, struct martlet_pkcs11_token *token) {
    struct ck_token_info info;
    memset(&info, 0, sizeof info);
    ck_rv status = functions(module)->get_token_info(slot, &info);
    if (status != CKR_OK) return (long)status;
    memcpy(token->label, info.label, sizeof token->label);
    memcpy(token->manufacturer, info.manufacturer, sizeof token->manufacturer);
    memcpy(token->model, info.model, sizeof token->model);
    memcpy(token->serial, info.serial, sizeof token->serial);
    token->flags = info.flags;
    return CKR_OK;
}

long martlet_pkcs11_open_session(void *module, unsigned long slot, int writes, unsigned long *session) {
    ck_ulong flags = CKF_SERIAL_SESSION | (writes ? CKF_RW_SESSION : 0);
    return (long)functions(module)->open_session(slot, flags, NULL, NULL, session);
}

long martlet_pkcs11_close_session(void *module, unsigned long session) {
    return (long)functions(module)->close_session(session);
}

long martlet_pkcs11_login(void *module, unsigned long session, const uint8_t *pin, size_t pin_size) {
    ck_rv status = functions(module)->login(session, CKU_USER, (unsigned char *)pin, pin_size);
    return status == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : (long)status;
}

long martlet_pkcs11_find(
    void *module, unsigned long session, const struct martlet_pkcs11_query *query, unsigned long *objects,
    unsigned long *count) {
    ck_ulong class = query->object_class;
    struct ck_attribute wanted[3] = {{CKA_CLASS, &class, sizeof class}};
    ck_ulong wanted_count = 1;
    if (query->label) {
        wanted[wanted_count++] = (struct ck_attribute){CKA_LABEL, (void *)query->label, query->label_size};
    }
    if (query->identifier) {
        wanted[wanted_count++] = (struct ck_attribute){CKA_ID, (void *)query->identifier, query->identifier_size};
    }
    ck_rv status = functions(module)->find_objects_init(session, wanted, wanted_count);
    if (status != CKR_OK) return (long)status;
    ck_ulong room = *count, found = 0;
    while (found < room) {
        ck_ulong more = 0;
        status = functions(module)->find_objects(session, objects + found, room - found, &more);
        if (status != CKR_OK || more == 0 || more > room - found) break;
        found += more;
    }
    functions(module)->find_objects_final(session);
    *count = found;
    return (long)status;
}

long martlet_pkcs11_attribute(
    void *module, unsigned long session, unsigned long object, unsigned long type, uint8_t *value, size_t *size) {
    struct ck_attribute attribute = {type, value, *size};
    ck_rv status = functions(module)->get_attribute_value(session, object, &attribute, 1);
    if (status != CKR_OK) return (long)status;
    // An attribute that can't be told has the size -1.
    if (attribute.size > *size) return MARTLET_PKCS11_NO_ROOM;
    *size = attribute.size;
    return CKR_OK;
}

long martlet_pkcs11_sign(
    void *module, unsigned long session, unsigned long object, const struct martlet_pkcs11_signing *how,
    const uint8_t *data, size_t data_size, uint8_t *signature, size_t *size) {
    struct ck_pss_parameters pss = {how->pss_hash, how->pss_mask, how->pss_salt_size};
    struct ck_mechanism mechanism = {how->mechanism, NULL, 0};
    if (how->pss_hash) {
        mechanism.parameter = &pss;
        mechanism.parameter_size = sizeof pss;
    }
    ck_rv status = functions(module)->sign_init(session, &mechanism, object);
    if (status != CKR_OK) return (long)status;
    if (how->pin) {
        status = functions(module)->login(session, CKU_CONTEXT_SPECIFIC, (unsigned char *)how->pin, how->pin_size);
        if (status != CKR_OK && status != CKR_USER_ALREADY_LOGGED_IN) return (long)status;
    }
    ck_ulong room = *size;
    status = functions(module)->sign(session, (unsigned char *)data, data_size, signature, &room);
    if (status != CKR_OK) return (long)status;
    if (room > *size) return MARTLET_PKCS11_NO_ROOM;
    *size = room;
    return CKR_OK;
}

long martlet_pkcs11_generate(void *module, unsigned long session, const struct martlet_pkcs11_generation *what) {
    ck_bool yes = 1, no = 0;
    ck_ulong public_class = CKO_PUBLIC_KEY, private_class = CKO_PRIVATE_KEY, bits = what->modulus_bits;
    unsigned char exponent[] = {1, 0, 1};
    struct ck_attribute public_key[8] = {
        {CKA_CLASS, &public_class, sizeof public_class}, {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &no, 1},
        {CKA_VERIFY, &yes, 1},
        {CKA_LABEL, (void *)what->label, what->label_size},
        {CKA_ID, (void *)what->identifier, what->identifier_size},
    };
    ck_ulong public_count = 6;
    if (what->parameters) {
        public_key[public_count++] =
            (struct ck_attribute){CKA_EC_PARAMS, (void *)what->parameters, what->parameters_size};
    } else {
        public_key[public_count++] = (struct ck_attribute){CKA_MODULUS_BITS, &bits, sizeof bits};
        public_key[public_count++] = (struct ck_attribute){CKA_PUBLIC_EXPONENT, exponent, sizeof exponent};
    }
    struct ck_attribute private_key[] = {
        {CKA_CLASS, &private_class, sizeof private_class}, {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1},
        {CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}, {CKA_SIGN, &yes, 1},
        {CKA_LABEL, (void *)what->label, what->label_size},
        {CKA_ID, (void *)what->identifier, what->identifier_size},
    };
    struct ck_mechanism mechanism = {what->mechanism, NULL, 0};
    ck_ulong public_object = 0, private_object = 0;
    return (long)functions(module)->generate_key_pair(
        session, &mechanism, public_key, public_count, private_key, sizeof private_key / sizeof *private_key,
        &public_object, &private_object);
}
