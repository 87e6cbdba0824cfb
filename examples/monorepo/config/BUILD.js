// One package for each environment, so that a change to one leaves the others in the cache.
const environments = [
    { name: "staging", workers: 1 },
    { name: "production", workers: 8 },
];

let packages = environments.map((environment) => ({
    name: environment.name,
    type: "generic",
    srcs: ["*.sh", "service.conf.in"],
    argdeps: ["version"],
    config: {
        commands: [["sh", "render.sh", environment.name, `${environment.workers}`, args.version]],
        test: [["sh", "check.sh"]],
    },
}));
