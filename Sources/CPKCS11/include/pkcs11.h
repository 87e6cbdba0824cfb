// Modules of PKCS #11 (OASIS "PKCS #11 Cryptographic Token Interface Base Specification" 2.40), opened at run time.
//
// Every function gives the module's own return value (CKR_..., 0 is CKR_OK), or one of the negative values below. All
// may block for as long as the module likes.
#ifndef MARTLET_CPKCS11_H
#define MARTLET_CPKCS11_H

#include <stddef.h>
#include <stdint.h>

/// The dynamic linker refused; the reason is in the text.
#define MARTLET_PKCS11_NOT_LOADED (-1L)
/// The library has no C_GetFunctionList, or its list lacks functions: it is no such module.
#define MARTLET_PKCS11_NO_MODULE (-2L)
/// An answer longer than the room for it.
#define MARTLET_PKCS11_NO_ROOM (-3L)

/// What a token says of itself (CK_TOKEN_INFO). The texts are padded with blanks and have no end.
struct martlet_pkcs11_token {
    char label[32];
    char manufacturer[32];
    char model[16];
    char serial[16];
    unsigned long flags;
};

/// Which objects to look for. A null pointer leaves an attribute open.
struct martlet_pkcs11_query {
    unsigned long object_class;
    const uint8_t *label;
    size_t label_size;
    const uint8_t *identifier;
    size_t identifier_size;
};

/// How to sign: a mechanism, for CKM_RSA_PKCS_PSS with its parameters, and for keys with CKA_ALWAYS_AUTHENTICATE the PIN.
struct martlet_pkcs11_signing {
    unsigned long mechanism;
    /// 0, or the parameters of PSS.
    unsigned long pss_hash;
    unsigned long pss_mask;
    unsigned long pss_salt_size;
    const uint8_t *pin;
    size_t pin_size;
};

/// What key pair to make: with `parameters` one on a curve, and without an RSA key of `modulus_bits`.
struct martlet_pkcs11_generation {
    unsigned long mechanism;
    const uint8_t *parameters;
    size_t parameters_size;
    unsigned long modulus_bits;
    const uint8_t *label;
    size_t label_size;
    const uint8_t *identifier;
    size_t identifier_size;
};

/// Opens and initialises the module at `path`. It stays open until the process ends, for other parts of the process may
/// use it. `text` gets the dynamic linker's reason.
long martlet_pkcs11_open(const char *path, void **module, char *text, size_t text_size);

/// The slots that have a token. `count` is the room, and then how many there are.
long martlet_pkcs11_slots(void *module, unsigned long *slots, unsigned long *count);

/// What the token in `slot` says of itself.
long martlet_pkcs11_token_info(void *module, unsigned long slot, struct martlet_pkcs11_token *token);

/// Opens a session, one that may make objects where `writes`.
long martlet_pkcs11_open_session(void *module, unsigned long slot, int writes, unsigned long *session);

/// Closes a session.
long martlet_pkcs11_close_session(void *module, unsigned long session);

/// Logs the user in. A null `pin` leaves asking for it to the token's own keys.
long martlet_pkcs11_login(void *module, unsigned long session, const uint8_t *pin, size_t pin_size);

/// Finds objects. `count` is the room, and then how many were found, never more than the room.
long martlet_pkcs11_find(
    void *module, unsigned long session, const struct martlet_pkcs11_query *query, unsigned long *objects,
    unsigned long *count);

/// The value of one attribute. `size` is the room, and then the value's size.
long martlet_pkcs11_attribute(
    void *module, unsigned long session, unsigned long object, unsigned long type, uint8_t *value, size_t *size);

/// Signs `data` with the private key `object`. `size` is the room, and then the signature's size.
long martlet_pkcs11_sign(
    void *module, unsigned long session, unsigned long object, const struct martlet_pkcs11_signing *how,
    const uint8_t *data, size_t data_size, uint8_t *signature, size_t *size);

/// Makes a key pair that stays in the token: the private key can't be read, and is used only when logged in.
long martlet_pkcs11_generate(void *module, unsigned long session, const struct martlet_pkcs11_generation *what);

#endif
