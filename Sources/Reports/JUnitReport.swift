internal import Build
internal import Workspace

/// The tests of a build in JUnit's XML format, which CI systems show.
///
/// Each package is a suite. Its lint and test steps are test cases; another step appears when it failed, as an error.
package enum JUnitReport {
    /// The bytes of the file.
    package static func render(_ record: BuildRecord) -> [UInt8] {
        var suites = ""
        var totals = Totals()
        for entry in record.packages where !entry.steps.isEmpty || entry.status == .skipped {
            let (text, suite) = self.suite(entry, record)
            suites += text
            totals.add(suite)
        }
        let time = DurationText.seconds(record.time, digits: 3)
        let out = """
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="martlet" \(totals.attributes) time="\(time)">
            \(suites)</testsuites>

            """
        return Array(out.utf8)
    }

    private struct Totals {
        var tests = 0
        var failures = 0
        var errors = 0
        var skipped = 0

        mutating func add(_ other: Totals) {
            tests += other.tests
            failures += other.failures
            errors += other.errors
            skipped += other.skipped
        }

        var attributes: String {
            "tests=\"\(tests)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\""
        }
    }

    private static func suite(_ entry: BuildRecord.Entry, _ record: BuildRecord) -> (String, Totals) {
        var cases = ""
        var totals = Totals()
        let name = Markup.name(entry.plan.name.description)
        var hasFailedStep = false
        for step in entry.steps {
            let isTest = step.kind == .test || step.kind == .lint
            var outcome = ""
            switch step.result {
            case .failed(let reason)?:
                hasFailedStep = true
                let element = isTest ? "failure" : "error"
                outcome =
                    "      <\(element) message=\"\(Markup.name(reason))\">\(Markup.escaped(reason))</\(element)>\n"
                if isTest { totals.failures += 1 } else { totals.errors += 1 }
            case .skipped?, nil:
                guard isTest else { continue }
                outcome = "      <skipped/>\n"
                totals.skipped += 1
            case .built?, .cached?:
                guard isTest else { continue }
            }
            totals.tests += 1
            let time = DurationText.seconds(step.duration ?? .zero, digits: 3)
            cases += "    <testcase classname=\"\(name)\" name=\"\(step.kind.rawValue)\" time=\"\(time)\">\n" + outcome
            let output = step.result == .cached ? "The result is from the cache.\n" : step.output.text
            if !output.isEmpty { cases += "      <system-out>\(Markup.escaped(output))</system-out>\n" }
            cases += "    </testcase>\n"
        }
        if entry.status == .failed, !hasFailedStep {
            // It failed outside its steps, for example because a source vanished.
            totals.tests += 1
            totals.errors += 1
            let reason = entry.reason ?? ""
            cases += """
                    <testcase classname="\(name)" name="package" time="0.000">
                      <error message="\(Markup.name(reason))">\(Markup.escaped(reason))</error>
                    </testcase>

                """
        }
        let time = DurationText.seconds(entry.duration ?? .zero, digits: 3)
        return (
            "  <testsuite name=\"\(name)\" \(totals.attributes) time=\"\(time)\">\n\(cases)  </testsuite>\n", totals
        )
    }
}
