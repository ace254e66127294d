import SansIO

/// How a scenario came out (design: *verdict*).
public enum Verdict: String, Sendable, Hashable, Codable, CaseIterable {
  case passed
  case failed
  case notApplicable = "not applicable"
  /// The Lab could not run it: a file, a port, a missing peer.
  case couldNotRun = "could not run"
  /// The harness itself broke; nothing is said about the peer.
  case void

  /// Whether a run may have it and still be called green.
  public var isGood: Bool {
    switch self {
    case .passed, .notApplicable: true
    case .failed, .couldNotRun, .void: false
    }
  }
}

/// A requirement that was not met, with what to look at.
public struct Finding: Sendable, Hashable {
  public var rule: String
  public var expected: String
  public var observed: String
  /// The frame to blame; nil where none was sent.
  public var evidence: FrameCitation?
  /// The line of the scenario.
  public var step: String = ""
  public var at: Instant = .zero

  public init(rule: String, expected: String, observed: String, evidence: FrameCitation?) {
    self.rule = rule
    self.expected = expected
    self.observed = observed
    self.evidence = evidence
  }
}

/// What one run of one scenario gave.
public struct ScenarioResult: Sendable {
  public var name: String
  public var file: String
  public var summary: String
  public var proves: [String]
  public var seed: UInt64
  public var verdict: Verdict
  public var findings: [Finding]
  /// Why it could not run, where it could not.
  public var reason: String?
  /// On the run's own clock.
  public var duration: Duration
  /// On the wall.
  public var elapsed: Duration
  /// Names of the hosts by number, for `host#frame`.
  public var hosts: [String]
  public var packets: Int
  /// Folder of captures and journal; nil when none were written.
  public var folder: String?
  /// All its seeds, when there were several: then times and packets are those of all, and the rest is that of ``seed``, the smallest with
  /// this verdict.
  public var sweep: SeedSweep?

  public init(
    name: String, file: String, summary: String, proves: [String], seed: UInt64, verdict: Verdict, findings: [Finding] = [],
    reason: String? = nil, duration: Duration = .zero, elapsed: Duration = .zero, hosts: [String] = [], packets: Int = 0,
    folder: String? = nil
  ) {
    self.name = name
    self.file = file
    self.summary = summary
    self.proves = proves
    self.seed = seed
    self.verdict = verdict
    self.findings = findings
    self.reason = reason
    self.duration = duration
    self.elapsed = elapsed
    self.hosts = hosts
    self.packets = packets
    self.folder = folder
  }

  /// `host#frame` with the host's name.
  public func citation(_ evidence: FrameCitation?) -> String {
    guard let evidence else { return "-" }
    let index = Int(evidence.host.rawValue)
    return "\(hosts.indices.contains(index) ? hosts[index] : "?")#\(evidence.frame)"
  }

  /// Of a file with a table only the row.
  public var replayCommand: String {
    let row = name.firstIndex(of: "[").map { " --filter '\(name[$0...])'" } ?? ""
    return "kallglot-lab run \(file) --seed \(seed)\(row)"
  }
}
