import CFuzzer
import Glibc

/// `Fuzz TARGET [libFuzzer's options and folders]`; `Fuzz --list` prints the targets.
@main
struct Fuzz {
    /// The parser that gets the inputs; set once, before libFuzzer starts.
    nonisolated(unsafe) private static var target: FuzzTarget?

    static func main() {
        let arguments = CommandLine.arguments
        if arguments.dropFirst().first == "--list" {
            for target in FuzzTarget.all { print(target.name) }
            return
        }
        unsafe target = FuzzTarget.all.first { $0.name == arguments.dropFirst().first }
        guard unsafe target != nil else {
            print("usage: Fuzz TARGET [OPTION...] [FOLDER...]; --list prints the targets")
            exit(2)
        }
        // libFuzzer restarts itself with its first argument for -jobs and -merge; neither is used here.
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([arguments[0]] + arguments.dropFirst(2)).map {
            unsafe strdup($0)
        }
        unsafe words.append(nil)
        var count = Int32(arguments.count - 1)
        let code = unsafe words.withUnsafeMutableBufferPointer { words in
            var base = words.baseAddress
            return unsafe LLVMFuzzerRunDriver(&count, &base) { data, size in
                let input = unsafe [UInt8](UnsafeBufferPointer(start: data, count: size))
                if let target = unsafe Fuzz.target { target.run(input) }
                return 0
            }
        }
        exit(code)
    }
}
