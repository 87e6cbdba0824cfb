"""Builds the example in two places as unlike as one machine has them: path, user, umask, time zone, locale, number of jobs
and order of files in directories. Its artifacts are the same to the bit.

    places.py MARTLET EXAMPLE WORK
"""
import hashlib, os, pwd, shutil, subprocess, sys, time

MARTLET, EXAMPLE, WORK = (os.path.abspath(word) for word in sys.argv[1:])
# Those that need nothing but this machine: buildah, which makes the other image, may not run for every user.
TARGETS = ["apps/hello:app", "apps/web:app", "config:production", "libs/greeting:lib", "libs/text:lib",
           "third-party/mirror:mirror", "tools/wordcount:tool"]


def files(root):
    for directory, _, names in os.walk(root):
        for name in names:
            yield os.path.relpath(os.path.join(directory, name), root)


def copy(source, target, order):
    """Copies files one by one, so that a directory has them in another order."""
    for name in sorted(files(source), reverse=order):
        os.makedirs(os.path.dirname(f"{target}/{name}"), exist_ok=True)
        shutil.copyfile(f"{source}/{name}", f"{target}/{name}")
        shutil.copymode(f"{source}/{name}", f"{target}/{name}")


def build(place, jobs, zone, locale, umask, owner):
    """Builds in a copy of the example, and gives the digest of each archive."""
    workspace, out = f"{WORK}/{place}", f"{WORK}/out-{jobs}"
    copy(EXAMPLE, workspace, jobs > 1)
    os.makedirs(f"{out}/home")
    # The program, too, may lie where another user can't see it.
    program = f"{out}/martlet"
    shutil.copy(MARTLET, program)
    if owner:
        for root in (workspace, out):
            subprocess.run(["chown", "-R", f"{owner.pw_uid}:{owner.pw_gid}", root], check=True)
    environment = {"PATH": os.environ["PATH"], "HOME": f"{out}/home", "MARTLET_CACHE_DIR": f"{out}/cache", "TZ": zone,
                   "LC_ALL": locale, "TMPDIR": out}
    digests = {}
    for target in TARGETS:
        archive = f"{out}/{target.replace('/', '-').replace(':', '-')}.tar.gz"
        done = subprocess.run(
            [program, "build", "-j", str(jobs), "--quiet", "--no-embed", "--save", archive, target], cwd=workspace,
            env=environment, umask=umask, capture_output=True, text=True,
            **(dict(user=owner.pw_uid, group=owner.pw_gid, extra_groups=[]) if owner else {}))
        if done.returncode != 0:
            sys.exit(f"places: {target} was not built in {place}: {done.stdout}{done.stderr}")
        with open(archive, "rb") as file:
            digests[target] = hashlib.sha256(file.read()).hexdigest()
    return digests


os.chmod(WORK, 0o755)
started = time.monotonic()
# Who is not root builds as one user in both places.
other = pwd.getpwnam("nobody") if os.getuid() == 0 else None
first = build("here", 1, "UTC", "C.UTF-8", 0o022, None)
second = build("some/where/else", 4, "Asia/Kathmandu", "C", 0o077, other)
differing = [target for target in TARGETS if first[target] != second[target]]
if differing:
    sys.exit(f"places: built otherwise in another place: {', '.join(differing)}; compare {WORK}")
users = "as root and as an ordinary user" if other else "as one user, since that is not root"
print(f"{len(TARGETS)} artifacts of the example are the same in two places, {users}"
      f" ({time.monotonic() - started:.0f} s)")
