"""Apache Kafka's jars, fetched once through Maven into a cache folder outside the tree."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from monitor.errors import UsageError

KAFKA_VERSION = "4.3.1"
# Kafka's own POM leaves the logging backend to its release archive.
LOG4J_VERSION = "2.25.4"
STAMP = f"kafka {KAFKA_VERSION}, log4j {LOG4J_VERSION}\n"
POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sla-monitor</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>{LOG4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


def kafka_jars() -> Path:
    """Return the folder that holds them, filled where it is not yet."""
    folder = kafka_home() / "jars"
    stamp = folder / "version"
    if stamp.is_file() and stamp.read_text() == STAMP:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    fetch(folder)
    # Last of all: a fetch that was interrupted is done again.
    stamp.write_text(STAMP)
    return folder


def kafka_home() -> Path:
    """Return the cache folder: SLA_KAFKA_HOME, or one for this version in the user's cache."""
    if home := os.environ.get("SLA_KAFKA_HOME"):
        return Path(home)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "sla-monitor" / f"kafka-{KAFKA_VERSION}"


def fetch(folder: Path) -> None:
    maven = required_program("mvn", "Maven")
    with tempfile.TemporaryDirectory() as project:
        Path(project, "pom.xml").write_text(POM)
        done = subprocess.run(
            [
                *(maven, "--quiet", "--batch-mode", "dependency:copy-dependencies"),
                f"-DoutputDirectory={folder}",
            ],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        why = "\n".join(done.stdout.splitlines()[-5:])
        raise UsageError(f"Maven could not fetch Apache Kafka {KAFKA_VERSION}:\n{why}")


def required_program(name: str, product: str) -> str:
    if path := shutil.which(name):
        return path
    raise UsageError(
        f"{product} is missing (no `{name}` on PATH): install Java 17 or later and Maven, "
        "or set KAFKA_BOOTSTRAP=HOST:PORT to a broker that runs already"
    )
