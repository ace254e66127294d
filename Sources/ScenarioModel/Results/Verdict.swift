import Impairments
import Inspection
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

/// Where a member was in a live run.
public struct LivePlace: Hashable, Sendable {
  public var member: String
  /// In the file.
  public var given: IPAddress
  /// On this machine.
  public var here: IPAddress
  /// The product that played it, and the file that says how; nil = a host of ours did.
  public var product: String?
  public var file: String?

  public init(member: String, given: IPAddress, here: IPAddress, product: String? = nil, file: String? = nil) {
    (self.member, self.given, self.here) = (member, given, here)
    (self.product, self.file) = (product, file)
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
  /// All its runs, when there were several: then times and packets are those of all, and the rest is that of ``seed``, the smallest with
  /// this verdict, or of the first run that has it.
  public var sweep: SeedSweep?
  /// The capture of each host, in the order of ``hosts``; empty when none were written.
  public var captures: [String] = []
  /// Where the cast was in a live run, as far as it began; nil = the run was in virtual time.
  public var live: [LivePlace]?
  /// All that packets of its members show broken, whether the scenario fails by it or not, as `inspect` says it of their captures.
  public var breaches: [SeenBreach] = []
  /// What observers have proven of the policy that the scenario gives; nil where it gives none, or did not run.
  public var proof: PolicyProof?
  /// What `inspect` says of the captures of a scenario that did not pass: `pbx: error #5 …`; empty when none were written.
  public var inspected: [String] = []
  /// What became of packets on links that drew, where it was asked for.
  public var fates: FatePlan?

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

  /// The file that holds a frame; nil when no captures were written.
  public func capture(of evidence: FrameCitation?) -> String? {
    guard let evidence, captures.indices.contains(Int(evidence.host.rawValue)) else { return nil }
    return captures[Int(evidence.host.rawValue)]
  }

  /// Runs the scenario again and leaves captures; of a file with a table only the row. A POSIX shell reads it as it stands.
  public var replayCommand: String {
    var words = ["kallglot-lab", "run", file.hasPrefix("-") ? "./\(file)" : file]
    words += live == nil ? ["--seed", "\(seed)"] : ["--live"]
    for place in live ?? [] { if let file = place.file { words += ["--peer", "\(place.member)=\(file)"] } }
    if let row = name.firstIndex(of: "[") { words += ["--filter", String(name[row...])] }
    return (words + ["--out", outFolder]).map(ShellWord.quoted).joined(separator: " ")
  }

  /// What `--out` was, where the folder tells it.
  private var outFolder: String {
    let tail = "/\(Scenario.folderName(of: name))"
    guard let folder, folder.hasSuffix(tail), folder.count > tail.count else { return "out" }
    return String(folder.dropLast(tail.count))
  }
}

/// Words of a command line (POSIX.1-2017, Shell Command Language §2.2).
enum ShellWord {
  /// As it stands where no character means anything to a shell, else between single quotes.
  static func quoted(_ word: String) -> String {
    let isPlain = word.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "_", "-", ":", "+", ",", "@", "%": true
      default: false
      }
    }
    return isPlain && !word.isEmpty ? word : "'\(word.replacing("'", with: "'\\''"))'"
  }
}
