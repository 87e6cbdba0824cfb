internal import Bytes

extension AdmissionController {
    /// What has been found about a review so far.
    struct Answer {
        let request: AdmissionRequest
        let time: Timestamp
        var patch: [JSON] = []
        var denials: [String] = []
        var warnings: [String] = []
        var decisions: [Decision] = []
        /// Why the object is let in against the denials.
        var glassReason: String?

        mutating func deny(_ reason: String) { denials.append(reason) }
        mutating func warn(_ reason: String) { warnings.append(reason) }
        mutating func add(_ reason: String, _ isDenial: Bool) { isDenial ? deny(reason) : warn(reason) }

        /// The API server cuts longer ones, and shows no more in all.
        private static let warningLength = 120
        private static let warningsLength = 4096
        private static let messageLength = 8192

        private static func cut(_ text: String, _ length: Int) -> String {
            text.count <= length ? text : text.prefix(length - 1) + "…"
        }

        private func shownWarnings() -> [String] {
            var out: [String] = []
            var total = 0
            let all =
                glassReason == nil ? warnings : ["let in against the policies, which is recorded"] + denials + warnings
            for warning in all {
                let text = Self.cut(warning, Self.warningLength)
                total += text.utf8.count
                guard total <= Self.warningsLength else { break }
                out.append(text)
            }
            return out
        }

        private var kind: AdmissionEvent.Kind {
            if glassReason != nil { return .brokeGlass }
            return !denials.isEmpty ? .denied : warnings.isEmpty ? .allowed : .warned
        }

        func outcome(_ webhook: Webhook) -> Outcome {
            let isAllowed = denials.isEmpty || glassReason != nil
            var response: JSONObject = ["uid": .string(request.uid), "allowed": .bool(isAllowed)]
            if !isAllowed {
                response["status"] = [
                    "code": 403, "reason": "Forbidden",
                    "message": .string(Self.cut(denials.joined(separator: "\n"), Self.messageLength)),
                ]
            }
            let shown = shownWarnings()
            if !shown.isEmpty { response["warnings"] = .array(shown.map(JSON.string)) }
            if isAllowed, !patch.isEmpty {
                response["patchType"] = "JSONPatch"
                response["patch"] = .string(Base64.encode(JSON.array(patch).bytes()))
            }
            if webhook == .validating, !decisions.isEmpty || glassReason != nil {
                var audit: JSONObject = ["verdict": .string(kind.rawValue)]
                if let glassReason { audit["break-glass-reason"] = .string(glassReason.safeForTerminal) }
                let policies = decisions.map { "\($0.policyName)=\($0.verdict.rawValue)" }
                audit["policies"] = .string(Self.cut(policies.joined(separator: ","), 4096))
                response["auditAnnotations"] = .object(audit)
            }
            var events: [AdmissionEvent] = []
            // The mutating webhook decides nothing, except that somebody broke the glass.
            if !request.isDryRun, webhook == .validating || glassReason != nil, !decisions.isEmpty || kind != .allowed {
                events.append(
                    AdmissionEvent(
                        kind: kind, uid: request.uid, title: request.title, user: request.userName.safeForTerminal,
                        reason: glassReason, time: time, decisions: decisions))
            }
            return Outcome(
                review: [
                    "apiVersion": .string(AdmissionRequest.apiVersion), "kind": .string(AdmissionRequest.kind),
                    "response": .object(response),
                ], isAllowed: isAllowed, decisions: decisions, events: events)
        }
    }
}
