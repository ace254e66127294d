import ArgumentParser
import Foundation

/// `lab-abuse`: treats a served endpoint as the internet does, and looks whether it is still well.
///
/// Everything happens in a network of its own (`unshare`), where only loopback exists: broken messages make the endpoint send to wherever
/// they say, and there that is nowhere.
@main
struct LabAbuse: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab-abuse", abstract: "Abuse 'kallglot-lab serve' and see whether it still serves.",
    discussion: """
      Each storm comes twice against one running program. After each, a call over UDP, TCP and TLS has to succeed, descriptors have to be \
      back within 16 of the start 15 s after the last call has ended, and the second time may add 5 MB of resident memory at most. Exit \
      code 1 when one does not hold, 2 for bad input, 3 where no network of its own can be made.
      """)

  @Option(help: "The program to abuse.")
  var program: String

  @Option(help: "Folder of the messages that are broken.")
  var fixtures = "fixtures"

  @Option(help: "Part of the full counts, such as 0.05.")
  var scale = 1.0

  @Option(help: "Only storms whose name contains this text.")
  var only: String?

  @Option(help: "Seconds after a storm before memory is read: transactions live for 32 s.")
  var settle = 35

  @Option(help: "The seed of what is broken, and how.")
  var seed: UInt64 = 1

  func run() throws {
    guard (0...600).contains(settle) else { throw ValidationError("--settle is \(settle), expected seconds up to 600") }
    guard scale > 0, scale <= 1 else { throw ValidationError("--scale is \(scale), expected a part of 1 such as 0.05") }
    guard FileManager.default.isExecutableFile(atPath: program) else { throw ValidationError("\(program) is not a program") }
    let messages = try Fixtures.load(fixtures)
    guard PrivateNetwork.isInside else { try PrivateNetwork.enter() }
    PrivateNetwork.raiseLoopback()
    FileDescriptors.raiseLimit()
    let chosen = Storms.all.filter { only == nil || $0.name.contains(only ?? "") }
    guard !chosen.isEmpty else { throw ValidationError("no storm's name contains '\(only ?? "")'") }
    var isWell = true
    for storm in chosen {
      let trial = try Trial(storm, program: program, count: max(1, Int(Double(storm.count) * scale)), settle: settle)
      let verdict = try trial.run { turn in Breaker(messages, seed: seed, turn: turn) }
      // At once, also into a pipe.
      FileHandle.standardOutput.write(Data((verdict.lines.joined(separator: "\n") + "\n").utf8))
      isWell = isWell && verdict.isWell
    }
    if !isWell { throw ExitCode(1) }
  }
}
