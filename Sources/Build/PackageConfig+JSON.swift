internal import Bytes
internal import Workspace

extension PackageConfig {
    /// Every setting of the configuration by Leeway's name for it.
    var json: JSON {
        switch self {
        case .generic(let config):
            [
                "commands": .commands(config.commands), "test": .commands(config.test),
                "dontTest": .bool(config.dontTest),
            ]
        case .go(let config):
            [
                "packaging": .string(config.packaging.rawValue), "generate": .bool(config.generate),
                "dontTest": .bool(config.dontTest), "dontCheckGoFmt": .bool(config.dontCheckGoFmt),
                "dontLint": .bool(config.dontLint), "buildFlags": .list(config.buildFlags),
                "buildCommand": .list(config.buildCommand), "lintCommand": .list(config.lintCommand),
                "goVersion": .string(config.goVersion), "goMod": .string(config.goMod),
            ]
        case .yarn(let config):
            [
                "yarnLock": .string(config.yarnLock), "tsconfig": .string(config.tsconfig),
                "packaging": .string(config.packaging.rawValue), "dontTest": .bool(config.dontTest),
                "install": .list(config.install), "build": .list(config.build), "test": .list(config.test),
            ]
        case .docker(let config):
            [
                "dockerfile": .string(config.dockerfile), "image": .list(config.image),
                "buildArgs": .table(config.buildArgs), "squash": .bool(config.squash),
                "metadata": .table(config.metadata), "exportToCache": config.exportToCache.map(JSON.bool) ?? .null,
            ]
        case .image(let config):
            [
                "definition": .string(config.definition), "lock": .string(config.lock),
                "compression": .string(config.compression.rawValue), "provenance": .string(config.provenance),
            ]
        case .swift(let config):
            [
                "configuration": .string(config.configuration.rawValue), "products": .list(config.products),
                "dontTest": .bool(config.dontTest), "buildFlags": .list(config.buildFlags),
            ]
        }
    }
}

extension PackageSettings {
    /// The settings that results depend on, by their names in the `martlet:` key.
    var json: JSON {
        [
            "fetch": .commands(fetch), "tools": .list(tools), "toolRoots": .list(toolRoots),
            "passEnvironment": .list(passEnvironment), "outputs": .list(outputs),
            "timeLimit": timeLimit.map { JSON.integer($0) } ?? .null,
            "memoryLimit": memoryLimit.map { JSON.integer($0) } ?? .null,
            "processLimit": processLimit.map { JSON.integer($0) } ?? .null,
        ]
    }
}
