import ArgumentParser
import LiveStage
import ScenarioEngine
import ScenarioModel

/// How scenarios run on real sockets.
struct LiveOptions: ParsableArguments {
  /// Most of them wait most of the time.
  private static let jobs = 24

  @Flag(help: "Run in real time on sockets of this machine: addresses of the file become addresses of 127/8, and both are printed.")
  var live = false

  @Flag(help: "With --live: also run scenarios that take longer than 10 seconds.")
  var slow = false

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "With --live: a real product plays this member; the file says where it listens and how it is asked to call (several times).",
      valueName: "member=file"))
  var peer: [String] = []

  /// How a scenario runs; nil = in virtual time.
  func run() throws -> LiveRun? {
    guard live else {
      if !peer.isEmpty { throw Complaint("--peer needs --live: a real product does not run in virtual time") }
      if slow { throw Complaint("--slow needs --live: virtual time waits for nothing") }
      return nil
    }
    var peers: [String: PeerFile] = [:]
    for text in peer {
      let (member, file) = try Self.assignment(text)
      guard peers[member] == nil else { throw Complaint("--peer names the member \(member) more than once") }
      do throws(SourceProblem) { peers[member] = try PeerFile.read(try ScenarioLibrary.text(of: file), file: file) } catch {
        throw Complaint("\(error)")
      }
    }
    var run = LiveRun(isSlow: slow, peers: peers)
    run.isInterrupted = { Interruption.hasCome }
    return run
  }

  /// How many run at a time unless somebody says otherwise: one where a product would have to be in two of them.
  var standardJobs: Int { peer.isEmpty ? Self.jobs : 1 }

  private static func assignment(_ text: String) throws -> (member: String, file: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw Complaint("--peer is '\(text)', expected a member and a file such as pbx=asterisk.yaml")
    }
    return (parts[0], parts[1])
  }
}
