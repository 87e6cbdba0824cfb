internal import Bytes

extension Timestamp {
    /// Reads a member of an object; an unreadable moment is an error, an absent one `nil`.
    init?(field key: String, of fields: Fields) throws(AttestError) {
        guard let text = try fields.optionalText(key) else { return nil }
        guard let moment = Timestamp(text) else {
            throw AttestError(.malformed, "\(key) is \(text); it should be a moment such as 2022-06-10T13:23:28Z")
        }
        self = moment
    }
}
