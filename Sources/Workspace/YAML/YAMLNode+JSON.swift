internal import Bytes

extension YAMLNode {
    /// The tree that yaml.v3 makes of a Go value: keys sorted, strings quoted where their plain form would be read as
    /// something else.
    init(json: JSON) {
        switch json {
        case .null: self = .scalar("null")
        case .bool(let value): self = .scalar(value ? "true" : "false")
        case .number(let number): self = .scalar(Self.goNumber(number))
        case .string(let text): self = Self.string(text)
        case .array(let items):
            self = YAMLNode(kind: .sequence, isFlow: items.isEmpty, content: items.map { YAMLNode(json: $0) })
        case .object(let members):
            var content: [YAMLNode] = []
            for member in members.members.sorted(by: { Self.precedesAsKey($0.key, $1.key) }) {
                content.append(Self.string(member.key))
                content.append(YAMLNode(json: member.value))
            }
            self = YAMLNode(kind: .mapping, isFlow: content.isEmpty, content: content)
        }
    }

    private static func string(_ text: String) -> YAMLNode {
        if text.utf8.contains(0x0A) { return .scalar(text, style: .literal) }
        let isPlain =
            YAMLTag.resolve(text) == "!!str" && !YAMLTag.isBase60(text) && !YAMLTag.oldBooleans.contains(text)
        return .scalar(text, style: isPlain ? .plain : .doubleQuoted)
    }

    /// A number as Go prints it: whole ones of up to 64 bits without a fraction, others in the shortest form.
    private static func goNumber(_ number: JSONNumber) -> String {
        if let value = number.intValue { return String(value) }
        let value = number.doubleValue
        if value == value.rounded(), abs(value) < 0x1p63 { return String(Int64(value)) }
        return goShortest(value)
    }

    /// `strconv.FormatFloat(value, 'g', -1, 64)`: an exponent below -4 or from 21 on, of at least two digits.
    private static func goShortest(_ value: Double) -> String {
        var digits = ""
        var exponent = 0
        let text = "\(abs(value))".lowercased()
        let parts = text.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        digits = String(mantissa[0]) + (mantissa.count > 1 ? String(mantissa[1]) : "")
        exponent = mantissa[0].count - 1 + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        let zeros = digits.prefix { $0 == "0" }.count
        digits.removeFirst(zeros)
        exponent -= zeros
        while digits.hasSuffix("0") { digits.removeLast() }
        let sign = value < 0 ? "-" : ""
        if exponent < -4 || exponent >= 21 {
            let rest = digits.dropFirst()
            let power = String(abs(exponent))
            return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest) + "e" + (exponent < 0 ? "-" : "+")
                + (power.count < 2 ? "0" : "") + power
        }
        if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits }
        if digits.count <= exponent + 1 {
            return sign + digits + String(repeating: "0", count: exponent + 1 - digits.count)
        }
        return sign + digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
    }

    /// The order of map keys: letters after other characters, runs of digits by their value.
    static func precedesAsKey(_ left: String, _ right: String) -> Bool {
        let a = Array(left.unicodeScalars)
        let b = Array(right.unicodeScalars)
        func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .decimalNumber }
        func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
            default: false
            }
        }
        var afterDigits = false
        for index in 0..<min(a.count, b.count) {
            if a[index] == b[index] {
                afterDigits = isDigit(a[index])
                continue
            }
            let aLetter = isLetter(a[index])
            let bLetter = isLetter(b[index])
            if aLetter && bLetter { return a[index].value < b[index].value }
            if aLetter || bLetter { return afterDigits ? aLetter : bLetter }
            var aNumber: Int64 = 0
            var bNumber: Int64 = 0
            if a[index] == "0" || b[index] == "0" {
                var back = index - 1
                while back >= 0, isDigit(a[back]) {
                    if a[back] != "0" {
                        aNumber = 1
                        bNumber = 1
                        break
                    }
                    back -= 1
                }
            }
            var aEnd = index
            while aEnd < a.count, isDigit(a[aEnd]) {
                aNumber = aNumber &* 10 &+ (Int64(a[aEnd].value) - 48)
                aEnd += 1
            }
            var bEnd = index
            while bEnd < b.count, isDigit(b[bEnd]) {
                bNumber = bNumber &* 10 &+ (Int64(b[bEnd].value) - 48)
                bEnd += 1
            }
            if aNumber != bNumber { return aNumber < bNumber }
            if aEnd != bEnd { return aEnd < bEnd }
            return a[index].value < b[index].value
        }
        return a.count < b.count
    }
}
