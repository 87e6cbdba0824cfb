import Bytes
import Policy
import Testing

/// The Common Expression Language; cases follow cel-spec's conformance tests in meaning.
@Suite struct ExpressionTests {
    let variables: [String: ExpressionValue] = [
        "a": ExpressionValue(["b": ["c": 3], "list": [1, 2, 3], "text": "hello"]), "x": .int(5), "nothing": .null,
        "t": .timestamp(PolicyFixtures.moment("2024-02-29T12:34:56.789Z")),
    ]

    func text(_ source: String) throws -> String { try Expression(source).evaluate(variables).json.text() }

    @Test(
        "expressions have their values",
        arguments: [
            ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("7 / 2", "3"), ("-7 % 3", "-1"), ("1.5 + 2.5", "4"),
            ("2u * 3u", "6"),
            ("-9223372036854775808", "-9223372036854775808"), ("0x1F", "31"), ("1 == 1.0", "true"), ("1u == 1", "true"),
            ("2 > 1.5", "true"), ("'a' < 'b'", "true"), ("true && false || true", "true"), ("!true", "false"),
            ("true ? 1 : 2", "1"), ("a.b.c", "3"), ("a['b'].c", "3"), ("a.list[1]", "2"), ("has(a.b)", "true"),
            ("has(a.z)", "false"),
            ("2 in a.list", "true"), ("'b' in a", "true"), ("5 in [1, 2]", "false"),
            ("size(a.list) + size('héé')", "6"),
            ("a.list.all(i, i > 0)", "true"), ("a.list.exists(i, i == 2)", "true"),
            ("a.list.exists_one(i, i > 2)", "true"),
            ("a.list.map(i, i * 2)", "[2,4,6]"), ("a.list.map(i, i > 1, i * 2)", "[4,6]"),
            ("a.list.filter(i, i != 2)", "[1,3]"),
            ("a.exists(k, k == 'text')", "true"), ("'hello'.startsWith('he') && 'hello'.endsWith('lo')", "true"),
            ("'hello'.contains('ell')", "true"), ("'hello'.matches('^h.*o$')", "true"),
            ("'a,b'.split(',')", "[\"a\",\"b\"]"),
            ("['a', 'b'].join('-')", "\"a-b\""), ("'aBc'.lowerAscii() + 'aBc'.upperAscii()", "\"abcABC\""),
            ("'tacocat'.substring(4)", "\"cat\""), ("'tacocat'.substring(0, 4)", "\"taco\""),
            ("'tacocat'.indexOf('a')", "1"),
            ("'tacocat'.lastIndexOf('a')", "5"), ("'aaa'.replace('a', 'b', 2)", "\"bba\""), ("' x '.trim()", "\"x\""),
            ("'abc'.charAt(1)", "\"b\""), ("int('42') + int(1.9) + int(3u)", "46"),
            ("string(1) + string(true) + string(1.5)", "\"1true1.5\""),
            ("double('1.5')", "1.5"), ("bytes('abc') == b'abc'", "true"), ("b'\\xff' == b'\\377'", "true"),
            ("type(1) == int", "true"),
            ("type('') == string && type(type(1)) == type", "true"), ("{'a': 1}['a']", "1"),
            ("{'a': 1, 'b': 2}.size()", "2"),
            ("timestamp('2024-01-01T00:00:00Z') + duration('1h') == timestamp('2024-01-01T01:00:00Z')", "true"),
            ("t.getFullYear() + t.getMonth() + t.getDate()", "2054"), ("t.getDayOfWeek()", "4"),
            ("t.getDayOfYear()", "59"),
            ("t.getHours('+02:00')", "14"), ("t.getMilliseconds()", "789"), ("duration('90m').getHours()", "1"),
            ("duration('1.5s') < duration('2s')", "true"), ("string(duration('90m'))", "\"5400s\""),
            ("t - duration('1s') < t", "true"), ("(t - timestamp('2024-02-29T00:00:00Z')).getHours()", "12"),
            ("r'\\d' + \"\"\"x\ny\"\"\"", "\"\\\\dx\\ny\""), ("a.?z.orValue(7)", "7"), ("a.?b.?c.orValue(7)", "3"),
            ("a.?z.hasValue()", "false"),
            ("optional.of(1).value()", "1"), ("optional.none().hasValue()", "false"), ("a[?'b'].hasValue()", "true"),
            ("false && 1 / 0 == 1", "false"), ("1 / 0 == 1 || true", "true"), ("[1, 0].exists(i, 1 / i == 1)", "true"),
            ("[0, 2].all(i, 4 / i == 4)", "false"), ("null == nothing", "true"), ("[1, [2]] == [1, [2]]", "true"),
            ("{'a': [1]} == {'a': [1.0]}", "true"),
            ("'\\u00e9' == 'e\\u0301'", "false"), ("// a comment\n1", "1"), ("dyn(1) == 1", "true"),
            ("1 == '1'", "false"), ("uint(5) - 3u", "2"),
        ])
    func values(source: String, expected: String) throws {
        #expect(try text(source) == expected)
    }

    @Test(
        "what has no value is an error and not a guess",
        arguments: [
            "a.z", "1 + 'a'", "1 + 1u", "1 / 0", "9223372036854775807 + 1", "-(-9223372036854775807 - 1)", "z",
            "a.list[9]",
            "!1", "1 && true", "[1, 0].all(i, 1 / i == 1)", "int('x')", "'a'.matches('(')", "timestamp('x')",
            "{1.5: 2}",
            "{'a': 1, 'a': 2}", "size(1)", "'a' < 1", "uint(-1)", "t.getHours('Europe/Berlin')",
            "optional.none().value()",
            "'x'.substring(3)", "true ? a.z : 1", "int(1e30)",
        ])
    func errors(source: String) throws {
        let expression = try Expression(source)
        #expect(throws: ExpressionError.self) { try expression.evaluate(variables) }
    }

    @Test(
        "what is no expression is refused with its place",
        arguments: [
            ("1 +", 3), ("a..b", 2), ("foo(1)", 0), ("'abc", 0), ("1 2", 2), ("has(a)", 0), ("if", 0),
            ("a.map(1, 2)", 6),
            ("Foo{a: 1}", 3), ("[1, 2", 5), ("9999999999999999999", 0), ("'\\q'", 1), ("1a", 0), ("a ? b", 5), ("@", 0),
        ])
    func refused(source: String, offset: Int) {
        do {
            _ = try Expression(source)
            Issue.record("\(source) was taken")
        } catch {
            #expect(error.offset == offset, "\(source): \(error)")
        }
    }

    @Test("work and depth are limited")
    func limits() async throws {
        let nested = String(repeating: "(", count: 60) + "1" + String(repeating: ")", count: 60)
        #expect(throws: ExpressionError.self) { try Expression(nested) }
        #expect(throws: ExpressionError.self) {
            try Expression(Array(repeating: "1", count: 300).joined(separator: "+"))
        }
        #expect(throws: ExpressionError.self) { try Expression(String(repeating: "!", count: 300) + "true") }
        let list = "[" + Array(repeating: "1", count: 200).joined(separator: ",") + "]"
        let product = try Expression("\(list).all(a, \(list).all(b, \(list).all(c, \(list).all(d, true))))")
        await Task.yield()
        do {
            _ = try product.evaluate()
            Issue.record("a billion steps were made")
        } catch {
            #expect(error.code == .limit)
        }
        let growing = try Expression(
            "[1,2,3,4,5,6,7,8,9].map(a, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').join('x').size()")
        #expect(throws: ExpressionError.self) { try growing.evaluate([:], costLimit: 30) }
    }

    @Test("a limit is no answer that another side of || may hide")
    func limitIsNotHidden() throws {
        let expression = try Expression("[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, true)) || true")
        #expect(throws: ExpressionError.self) { try expression.evaluate([:], costLimit: 50) }
    }
}
