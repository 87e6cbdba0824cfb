/// Numbers of eight bytes, the greatest byte first, for tables with millions of them.
extension [UInt8] {
    /// The bytes of `words`, in order.
    package init(bigEndian words: [UInt64]) {
        self = unsafe [UInt8](unsafeUninitializedCapacity: 8 * words.count) { buffer, count in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for (place, word) in words.enumerated() {
                unsafe raw.storeBytes(of: word.bigEndian, toByteOffset: 8 * place, as: UInt64.self)
            }
            count = 8 * words.count
        }
    }

    /// The number in the eight bytes from `offset` on, which must be there.
    package func bigEndianWord(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset <= count - 8, "a number behind the end")
        return unsafe withUnsafeBytes {
            unsafe UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
    }
}
