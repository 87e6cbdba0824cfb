extension VerificationReport.Check {
    /// What the check is and which attack it stops, in a sentence or two.
    package var meaning: String {
        switch self {
        case .format:
            """
            The bundle is well-formed: a known version with everything that version must have, within limits, nothing \
            twice, no root certificate of its own.
            """
        case .logKnown: "The log that an entry names is one of the trusted root. Anybody can run a log."
        case .logBody: "What the log recorded is of the kind that the entry says, and can be read."
        case .promise:
            """
            The log signed that it took the entry at a certain time (signed entry timestamp). Without this the time of \
            an entry is only a claim.
            """
        case .inclusion:
            "The entry is a leaf of the log's tree: the hashes lead from it to the root in the checkpoint."
        case .checkpoint:
            "The log signed the tree's size and root. A tree that the log did not sign could hold anything."
        case .witnesses:
            "Others have seen the same tree. A log that shows different trees to different people is found out so."
        case .logPeriod: "The log's key was in use when the entry was made; keys that were given up count for nothing."
        case .logThreshold: "The signature is in as many logs, by different operators, as the policy asks for."
        case .timestamp:
            "A timestamp authority of the trusted root stated when the signature existed, over this signature."
        case .timeThreshold:
            """
            Enough sources tell the time. Certificates live for minutes: without a trusted time nobody can say that one \
            was valid.
            """
        case .chain:
            """
            The certificate leads to an authority of the trusted root, and every certificate on the way was valid at \
            every time that is known.
            """
        case .profile: "The certificate is for signing code, and is not that of an authority."
        case .certificateLog:
            """
            Certificate logs promised to hold the certificate, so that its owner can see every certificate in his name.
            """
        case .key: "The key that signed is the one that was asked for, or that of the certificate."
        case .keyPeriod: "The key was in use when the signature was made."
        case .issuer: "Whoever vouched for the signer is the one that was asked for."
        case .identity: "The signer is the one that was asked for."
        case .claim: "The certificate says of the signer's surroundings what was asked for."
        case .signature: "The signature was made with the key, over exactly these bytes."
        case .artifact: "The artifact is what the signature or the statement is about."
        case .entryMatch:
            """
            The log entry is of this very signature, key and content. Else a good entry of something else could be put \
            beside it.
            """
        }
    }
}
