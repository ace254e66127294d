import ArgumentParser
import LiveStage
import SansIO
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

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "With --live: a member of ours has this address of this machine, instead of one of 127/8: where a product on another machine "
        + "reaches it (several times).",
      valueName: "member=address"))
  var at: [String] = []

  /// How a scenario runs; nil = in virtual time.
  func run() throws -> LiveRun? {
    guard live else {
      if !peer.isEmpty { throw Complaint("--peer needs --live: a real product does not run in virtual time") }
      if !at.isEmpty { throw Complaint("--at needs --live: in virtual time everybody has the address that the file gives") }
      if slow { throw Complaint("--slow needs --live: virtual time waits for nothing") }
      return nil
    }
    var peers: [String: PeerFile] = [:]
    for text in peer {
      let (member, file) = try Self.assignment(text, "--peer", "a member and a file such as pbx=asterisk.yaml")
      guard peers[member] == nil else { throw Complaint("--peer names the member \(member) more than once") }
      do throws(SourceProblem) { peers[member] = try PeerFile.read(try ScenarioLibrary.text(of: file), file: file) } catch {
        throw Complaint("\(error)")
      }
    }
    var run = LiveRun(isSlow: slow, peers: peers)
    for text in at {
      let (member, word) = try Self.assignment(text, "--at", "a member and an address such as kallglot=192.0.2.10")
      guard let address = IPAddress(word) else { throw Complaint("--at is '\(text)': '\(word)' is not an IP address") }
      guard run.addresses.updateValue(address, forKey: member) == nil else {
        throw Complaint("--at names the member \(member) more than once")
      }
    }
    run.isInterrupted = { Interruption.hasCome }
    return run
  }

  /// How many run at a time unless somebody says otherwise: one where a product would have to be in two of them.
  var standardJobs: Int { peer.isEmpty ? Self.jobs : 1 }

  private static func assignment(_ text: String, _ flag: String, _ expected: String) throws -> (member: String, value: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw Complaint("\(flag) is '\(text)', expected \(expected)")
    }
    return (parts[0], parts[1])
  }
}
