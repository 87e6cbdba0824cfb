extension PackageConfig {
    /// The configuration with `change` applied to every text in it.
    func mapStrings(_ change: (String) -> String) -> PackageConfig {
        func all(_ texts: [String]) -> [String] { texts.map(change) }
        func all(_ commands: [[String]]) -> [[String]] { commands.map { $0.map(change) } }
        func all(_ values: [String: String]) -> [String: String] {
            var out: [String: String] = [:]
            for (key, value) in values { out[change(key)] = change(value) }
            return out
        }
        switch self {
        case .generic(var config):
            config.commands = all(config.commands)
            config.test = all(config.test)
            return .generic(config)
        case .go(var config):
            config.buildFlags = all(config.buildFlags)
            config.buildCommand = all(config.buildCommand)
            config.lintCommand = all(config.lintCommand)
            config.goVersion = change(config.goVersion)
            config.goMod = change(config.goMod)
            return .go(config)
        case .yarn(var config):
            config.yarnLock = change(config.yarnLock)
            config.tsconfig = change(config.tsconfig)
            config.install = all(config.install)
            config.build = all(config.build)
            config.test = all(config.test)
            return .yarn(config)
        case .docker(var config):
            config.dockerfile = change(config.dockerfile)
            config.image = all(config.image)
            config.buildArgs = all(config.buildArgs)
            config.metadata = all(config.metadata)
            return .docker(config)
        case .image(var config):
            config.definition = change(config.definition)
            config.lock = change(config.lock)
            config.provenance = change(config.provenance)
            return .image(config)
        case .swift(var config):
            config.products = all(config.products)
            config.buildFlags = all(config.buildFlags)
            return .swift(config)
        }
    }
}
