import ArgumentParser
import Capture
import Foundation
import SansIO
import ScenarioEngine
import ScenarioModel
import VirtualNetwork

/// `kallglot-lab relay`: the network of a scenario between two real hosts.
struct RelayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay", abstract: "Pass IP packets between two network namespaces through the network of a scenario.",
    discussion: """
      Each namespace gets a TUN device with its member's address and a route to everything; what is sent there goes through the links, \
      NATs, ALGs and firewalls of FILE, and comes out at the other side. Every member and every NAT or firewall has a capture:
        ip netns add pbx; ip netns add kallglot
        kallglot-lab relay --between pbx --and kallglot --network nat.yaml --out out &
        ip netns exec kallglot kallglot-lab serve & ip netns exec pbx baresip
      FILE has 'cast' and 'network' as a scenario has them. The 'fault' steps that 'steps' begins with hold all the time, for what is \
      not in TLS; its other keys do not matter. It needs root and /dev/net/tun.

      Exit codes: 0 ended by Ctrl-C or --for; 2 bad input; 3 no TUN device could be opened.
      """)

  @Option(help: ArgumentHelp("A member of FILE, in the namespace of its name or in another one.", valueName: "member[=namespace]"))
  var between: String

  @Option(help: ArgumentHelp("The other member.", valueName: "member[=namespace]"))
  var and: String

  @Option(help: ArgumentHelp("The file with cast and network.", valueName: "file"))
  var network: String

  @Option(help: "Folder for the captures, one for each member, NAT and firewall, and the journal; none without it.")
  var out: String?

  @Option(help: "Seed of what is drawn: loss, jitter, ports.")
  var seed: UInt64 = 1

  @Option(name: .customLong("for"), help: ArgumentHelp("How long; until Ctrl-C without it.", valueName: "duration"))
  var limit: String?

  func run() throws {
    let scenario = try RelayFile.read(network)
    let sides = try [between, and].map { try RelaySide($0, scenario) }
    guard sides[0].member.name != sides[1].member.name else { throw Complaint("--between and --and name the same member") }
    var end: Duration?
    if let limit {
      guard let read = DurationText.read(limit) else { throw Complaint("--for \(limit) is not a duration such as 30 s") }
      end = read
    }
    var relay = try Relay(scenario, sides, seed: seed, out: out)
    for line in relay.leftOut { say(line) }
    say(sides.map { "\($0.member.name) \($0.member.address) in namespace \($0.space)" }.joined(separator: " and ") + ": ready")
    Interruption.watch()
    relay.run(until: end)
    for line in relay.faults { say(line) }
    say(relay.summary)
  }

  private func say(_ line: String) { Console.complain("kallglot-lab relay: \(line)") }
}

/// A member of the file, and where it really is.
struct RelaySide {
  let member: Scenario.Member
  let space: String

  init(_ text: String, _ scenario: Scenario) throws {
    let words = text.split(separator: "=", maxSplits: 1).map(String.init)
    guard let name = words.first, let member = scenario.member(name) else {
      throw Complaint("'\(text)' is not a member of the file's cast: \(scenario.cast.map(\.name).joined(separator: ", "))")
    }
    (self.member, space) = (member, words.count > 1 ? words[1] : name)
  }

  /// The file that stands for the namespace: of a name of ip-netns(8), or of a process.
  var path: String { UInt32(space) == nil ? "/run/netns/\(space)" : "/proc/\(space)/ns/net" }
}

/// The file of a relay: a scenario of which cast and network count.
enum RelayFile {
  static func read(_ path: String) throws -> Scenario {
    guard let data = FileManager.default.contents(atPath: path) else { throw Complaint("the file \(path) cannot be read") }
    var text = String(decoding: data, as: UTF8.self)
    let lines = text.split(separator: "\n").map(String.init)
    for (key, value) in [("summary", "A relay."), ("steps", "[]")] where !lines.contains(where: { $0.hasPrefix("\(key):") }) {
      text += "\n\(key): \(value)\n"
    }
    do throws(SourceProblem) { return try Scenario.read(text, file: path) } catch { throw Complaint("\(error)") }
  }
}
