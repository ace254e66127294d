# Two commands do everything on a fresh machine that has the Swift toolchain:
#   make run    installs the C libraries, builds in release, runs scenarios/ in virtual time, writes out/
#   make test   installs the test peers too and runs swift test
# make test also fetches a real Asterisk 22 (make asterisk); when that cannot be had, its tests say so and are skipped.

SHELL := /bin/bash
LIBRARIES := libssl-dev libpcap-dev libsrtp2-dev libopus-dev libspandsp-dev libspeexdsp-dev zlib1g-dev pkg-config
BENCH := libosip2-dev valgrind
PEERS := sip-tester baresip-core sipsak tshark python3-yaml python3-jsonschema
OUT ?= out
# The Swift runtime goes into the program: it is a tenth faster, and runs on machines without the toolchain. Symbols stay out, 43 of 113 MB:
# make run STRIP= keeps them, for function names in the backtrace of a crash. Half of the 70 MB is ICU's data, which Yams needs: it uses
# NSRegularExpression, DateFormatter and NumberFormatter of the full Foundation.
STRIP ?= -Xlinker -s
RELEASE := swift build -c release --static-swift-stdlib $(STRIP)

# One of message, sdp, framing, capture, composition, crypto, srtp, tls-records, dtls-datagrams, rtp, rtcp, telephone-event, wav, impairment,
# reader; seconds; how many processes.
TARGET ?= message
SECONDS ?= 60
JOBS ?= 1
FUZZ := LAB_FUZZ=1 swift build -c release --scratch-path .build-fuzz --product lab-fuzz -Xswiftc -sanitize=fuzzer -Xswiftc -parse-as-library -Xswiftc -use-ld=lld

.PHONY: run test example libraries peers asterisk bench sweep planted inspect-foreign captures-equal abuse fuzz lint docs clean

run: libraries
	$(RELEASE) --product kallglot-lab
	"$$($(RELEASE) --show-bin-path)/kallglot-lab" run scenarios --out $(OUT) --junit $(OUT)/junit.xml --json $(OUT)/results.json

test: libraries peers
	@$(MAKE) --no-print-directory asterisk || echo "The tests with Asterisk will be skipped." >&2
	swift build --build-tests
	@.ci/both-halves
	@$(MAKE) --no-print-directory example

# A package of somebody else's that runs scenarios in its own swift test; it builds all of this once more, beside.
example: libraries
	@cp -f Package.resolved Tests/Examples/TrunkTests/ 2>/dev/null || true
	swift test --package-path Tests/Examples/TrunkTests --scratch-path .build-example $(EXAMPLE_FLAGS)

bench: libraries
	@$(call install,$(BENCH))
	$(RELEASE) --product lab-bench
	$(RELEASE) --product kallglot-lab
	taskset -c 0 "$$($(RELEASE) --show-bin-path)/lab-bench" --serve "$$($(RELEASE) --show-bin-path)/kallglot-lab"

# Whether this checkout leaves the same captures as a commit: make captures-equal BASE=<commit>. What differs rightly is listed, with its
# reason, in fixtures/captures-equal.txt.
captures-equal: libraries
	.ci/captures-equal $(BASE)

# Every scenario with the seeds from 1 to SEEDS: make sweep SEEDS=1000 takes an hour and forty minutes on two cores, a tenth of it ten. A seed
# that does not pass is named with the command that shows it.
SEEDS ?= 100
sweep: libraries
	$(RELEASE) --product kallglot-lab
	"$$($(RELEASE) --show-bin-path)/kallglot-lab" run scenarios --seeds 1..$(SEEDS) --quiet $(SWEEP_FLAGS)

# What the library sees of defects that are planted into its hosts: one line a defect, what is never caught, and the score.
planted: libraries
	$(RELEASE) --product lab-planted
	"$$($(RELEASE) --show-bin-path)/lab-planted" scenarios $(PLANTED_FLAGS)

# Where inspect and tshark say different things of your captures, at any depth below DIR: SIP by method and status, RTP streams with loss, delta
# and jitter, time. It succeeds where they differ nowhere but for known reasons, which are printed. lab-foreign itself ends with 1 for differences
# and with 2 for bad input, of which make makes 2.
inspect-foreign: libraries
	@test -n "$(DIR)" || { echo "make inspect-foreign DIR=folder-of-captures" >&2; exit 2; }
	@$(call install,tshark)
	$(RELEASE) --product lab-foreign
	$(RELEASE) --product kallglot-lab
	@"$$($(RELEASE) --show-bin-path)/lab-foreign" "$(DIR)" --program "$$($(RELEASE) --show-bin-path)/kallglot-lab"

# Storms of broken messages, connections and calls against serve, in a network of their own; swift test does a twentieth of it.
abuse: libraries
	$(RELEASE) --product lab-abuse
	$(RELEASE) --product kallglot-lab
	"$$($(RELEASE) --show-bin-path)/lab-abuse" --program "$$($(RELEASE) --show-bin-path)/kallglot-lab"

# make fuzz TARGET=sdp SECONDS=600 JOBS=2: findings and what was learned go to .build-fuzz/, the committed corpus stays as it is.
fuzz: libraries
	$(FUZZ)
	mkdir -p .build-fuzz/corpus/$(TARGET) .build-fuzz/findings
	cd .build-fuzz && SWIFT_BACKTRACE=enable=no "$$(cd .. && $(FUZZ) --show-bin-path)/lab-fuzz" $(TARGET) -max_total_time=$(SECONDS) -fork=$(JOBS) \
	  -timeout=10 -rss_limit_mb=2048 -artifact_prefix=findings/$(TARGET)- corpus/$(TARGET) ../fixtures/fuzz/$(TARGET)

libraries:
	@$(call install,$(LIBRARIES))

peers:
	@$(call install,$(PEERS))

# A folder with a real Asterisk 22, made in ten seconds where apt's mirror has sid.
asterisk:
	@$(call install,mmdebstrap)
	@fixtures/peers/asterisk-root

# Writes the language reference from the code that reads scenario files; a test holds that it is up to date.
REFERENCE := Sources/ScenarioModel/ScenarioModel.docc/LanguageReference.md
docs:
	{ sed '/^<!-- generated -->$$/q' $(REFERENCE); swift run -q kallglot-lab schema --reference; } > $(REFERENCE).new && mv $(REFERENCE).new $(REFERENCE)

lint:
	swift format lint --strict --recursive Package.swift Sources Tests

clean:
	rm -rf .build $(OUT)

# Installs the Debian packages that are missing; without root, names them.
define install
missing=""; for package in $(1); do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
if [ -n "$$missing" ]; then \
  if [ "$$(id -u)" = 0 ]; then run=""; elif sudo -n true 2>/dev/null; then run="sudo -n"; else \
    echo "Missing Debian packages:$$missing. Install them as root: apt-get install -y$$missing" >&2; exit 2; fi; \
  echo "Installing$$missing"; \
  $$run apt-get update -qq -o DPkg::Lock::Timeout=300 && \
  DEBIAN_FRONTEND=noninteractive $$run apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 $$missing >/dev/null; \
fi
endef
