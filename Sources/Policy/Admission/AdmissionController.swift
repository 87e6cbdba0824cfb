package import Bytes

/// Decides whether Kubernetes objects may run: a pure function from a review to an answer.
package struct AdmissionController: Sendable {
    /// Which of the two webhooks is asked.
    package enum Webhook: Sendable {
        /// Ties tags to digests.
        case mutating
        /// Holds images against policies.
        case validating
    }

    /// What becomes of an image that no policy is about.
    package enum UnmatchedImages: String, Sendable, CaseIterable {
        case deny, warn, allow
    }

    /// Who may let an object in against the policies, by an annotation that says why.
    package struct BreakGlass: Sendable {
        /// Groups of users; `nil` where whoever may write the object may.
        package var groups: Set<String>?

        package init(groups: Set<String>? = nil) { self.groups = groups }
    }

    /// The annotation that lets an object in; its value is the reason.
    package static let breakGlassAnnotation = "policy.martlet.dev/break-glass"
    /// A reason says something.
    package static let leastReasonLength = 10

    /// The answer, and what is to be recorded before it is given.
    package struct Outcome: Sendable {
        /// An AdmissionReview with a response.
        package var review: JSON
        package var isAllowed: Bool
        package var decisions: [Decision]
        /// Empty for dry runs, which must leave no trace.
        package var events: [AdmissionEvent]
    }

    private(set) var policies: [ArtifactPolicy]
    package var unmatched = UnmatchedImages.deny
    package var breakGlass: BreakGlass?

    package init(policies: [ArtifactPolicy]) throws(PolicyError) {
        if let policy = policies.first(where: { !$0.namesSigners }) {
            throw PolicyError(
                "the policy \(policy.name) names no signer, so that anybody's word would count; give it signers")
        }
        self.policies = policies
    }

    /// Answers a review.
    ///
    /// - Parameters:
    ///   - resolve: what a tag stands for; asked by the mutating webhook alone.
    ///   - store: what is known about images.
    package func review(
        _ request: AdmissionRequest, _ webhook: Webhook, store: some EvidenceStore, at now: Timestamp,
        resolve: (ImageName) -> ImageResolution = { _ in .unreachable("nobody resolves tags") }
    ) -> Outcome {
        var answer = Answer(request: request, time: now)
        switch images(request) {
        case .failure(let error): answer.deny(error.message)
        case .success(let entries) where entries.isEmpty: break
        case .success(let entries):
            if webhook == .mutating {
                pin(entries, resolve, &answer)
            } else {
                decide(entries, store, &answer)
            }
        }
        applyBreakGlass(&answer, webhook)
        return answer.outcome(webhook)
    }

    /// The images that somebody wants to run and that did not run before.
    private func images(_ request: AdmissionRequest) -> Result<[WorkloadImages.Entry], PolicyError> {
        switch request.operation {
        case .delete, .connect: return .success([])
        case .create, .update: break
        }
        // Status, scale, eviction and binding run no image.
        guard ["", "ephemeralcontainers", "resize"].contains(request.subresource) else { return .success([]) }
        guard let place = WorkloadImages.place(group: request.group, resource: request.resource) else {
            return .failure(
                PolicyError(
                    "martlet does not know where \(request.resource.safeForTerminal) of \(request.group.safeForTerminal) names images; leave it out of the webhook's rules"
                ))
        }
        do {
            let entries = try WorkloadImages(of: request.object, at: place).entries
            guard request.operation == .update, !request.oldObject.isNull else { return .success(entries) }
            // What is being deleted starts nothing any more, and its finalizers must be able to go.
            if request.object["metadata"]?["deletionTimestamp"]?.stringValue != nil { return .success([]) }
            guard let old = try? WorkloadImages(of: request.oldObject, at: place) else { return .success(entries) }
            let known = Set(old.entries.map(\.image))
            return .success(entries.filter { !known.contains($0.image) })
        } catch {
            return .failure(error)
        }
    }

    // MARK: - Tags to digests

    /// The images that the mutating webhook will ask about, so that the answers can be fetched before.
    package func unpinnedImages(of request: AdmissionRequest) -> [ImageName] {
        guard case .success(let entries) = images(request) else { return [] }
        var seen: Set<String> = []
        return entries.filter { seen.insert($0.image).inserted }.compactMap { entry in
            guard let image = try? ImageName(entry.image), image.digest == nil else { return nil }
            return image
        }
    }

    private func pin(
        _ entries: [WorkloadImages.Entry], _ resolve: (ImageName) -> ImageResolution, _ answer: inout Answer
    ) {
        var known: [String: ImageResolution] = [:]
        for entry in entries {
            do {
                let image = try ImageName(entry.image)
                if image.digest != nil { continue }
                let resolution = known[entry.image] ?? resolve(image)
                known[entry.image] = resolution
                switch resolution {
                case .digest(let digest):
                    guard MessageDigest(description: digest) != nil else {
                        answer.deny("\(entry.image.safeForTerminal): the registry gave no digest")
                        continue
                    }
                    answer.patch.append([
                        "op": "replace", "path": .string(entry.pointer), "value": .string(image.pinned(to: digest)),
                    ])
                case .absent: answer.deny("\(entry.image.safeForTerminal): the registry has no such image")
                case .unreachable(let reason):
                    answer.deny(
                        "\(entry.image.safeForTerminal): can't tell which image this is: \(reason); name it by digest")
                }
            } catch {
                answer.deny(error.message)
            }
        }
    }

    // MARK: - Policies

    private func decide(_ entries: [WorkloadImages.Entry], _ store: some EvidenceStore, _ answer: inout Answer) {
        var seen: Set<String> = []
        for entry in entries where seen.insert(entry.image).inserted {
            do {
                decide(try ImageName(entry.image), store, &answer)
            } catch {
                answer.deny(error.message)
            }
        }
    }

    private func decide(_ image: ImageName, _ store: some EvidenceStore, _ answer: inout Answer) {
        let request = answer.request
        let labels = request.labels
        let policies = policies.filter { policy in
            (policy.images.isEmpty || policy.images.contains { $0.matches(image) })
                && (policy.resources.isEmpty
                    || policy.resources.contains {
                        $0.matches(
                            group: request.group, version: request.version, resource: request.resource, labels: labels)
                    })
        }
        let title = image.text.safeForTerminal
        guard !policies.isEmpty else {
            switch unmatched {
            case .deny: answer.deny("\(title): no policy is about this image; add its name to one")
            case .warn: answer.warn("\(title): no policy is about this image")
            case .allow: break
            }
            return
        }
        let isEnforced = policies.contains(where: \.isEnforced)
        guard let digest = image.digest else {
            answer.add(
                "\(title): is named by a tag, which can come to mean another image; name it by digest", isEnforced)
            return
        }
        let subject = PolicySubject(name: image.text, digests: [digest])
        let pool: EvidencePool
        switch store.evidence(about: subject) {
        case .found(let found): pool = found
        case .unreachable(let reason):
            answer.add("\(title): can't tell what is known about it: \(reason)", isEnforced)
            return
        }
        for policy in policies {
            let decision = PolicyEvaluation.decide(
                policy, about: subject, with: pool, at: answer.time, object: request.object)
            answer.decisions.append(decision)
            guard decision.verdict != .allowed else { continue }
            let reasons = decision.failures.prefix(3).map {
                "\($0.title): expected \($0.expected ?? "?"), got \($0.got ?? "nothing")"
            }
            answer.add(
                "\(title): policy \(policy.name): \(reasons.joined(separator: "; "))".safeForTerminal, policy.isEnforced
            )
        }
    }

    // MARK: - Break-glass

    private func applyBreakGlass(_ answer: inout Answer, _ webhook: Webhook) {
        guard !answer.denials.isEmpty, let breakGlass else { return }
        let annotations = answer.request.object["metadata"]?["annotations"]
        guard let reason = annotations?[Self.breakGlassAnnotation]?.stringValue else { return }
        if let groups = breakGlass.groups, groups.isDisjoint(with: answer.request.userGroups) {
            answer.deny("\(answer.request.userName.safeForTerminal) is in no group that may break the glass")
            return
        }
        let text = reason.unicodeScalars.filter { !$0.properties.isWhitespace }
        guard text.count >= Self.leastReasonLength, reason.utf8.count <= 2000 else {
            answer.deny(
                "breaking the glass needs a reason of \(Self.leastReasonLength) to 2000 characters in \(Self.breakGlassAnnotation)"
            )
            return
        }
        answer.glassReason = reason
    }
}
