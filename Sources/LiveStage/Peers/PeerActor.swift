import NIOCore
import NIOPosix
import SIPTransport
import SansIO
import ScenarioEngine
import ScenarioModel

/// A member that a real product plays: it is asked by its own commands, one after the other, and judged by its packets alone.
///
/// Confined to the stage's loop; the commands run beside it.
final class PeerActor: StageActor {
  let name: String
  let isEndpoint = false
  private let peer: PeerFile
  private let directory: CastDirectory
  private let loop: any EventLoop
  /// The last command that was asked for.
  private var last: EventLoopFuture<Void>
  /// Told of each command and what it printed.
  var onOutput: ((String) -> Void)?
  /// Told when a command failed: the run proves nothing then.
  var onFailure: ((StageFailure) -> Void)?

  init(_ name: String, _ peer: PeerFile, _ directory: CastDirectory, on loop: any EventLoop) {
    (self.name, self.peer, self.directory, self.loop) = (name, peer, directory, loop)
    last = loop.makeSucceededVoidFuture()
  }

  func take(_ event: any HostEvent) {}

  func carryOut(_ command: StageCommand) throws(StageFailure) {
    switch command {
    case .call(_, let to, let call): try ask(.call, try target(of: to, call).merging(["call": call]) { $1 }, command)
    case .hangUp(let leg): try ask(.hangUp, names(leg), command)
    case .cancel(let leg): try ask(.cancel, names(leg), command)
    case .hold(let leg, _): try ask(.hold, names(leg), command)
    case .resume(let leg): try ask(.resume, names(leg), command)
    case .reinvite(_, .renew): throw .notApplicable("\(peer.product) cannot be asked for other keys or other ports")
    case .reinvite(let leg, _): try ask(.reinvite, names(leg), command)
    case .speak(let leg, let audio, let duration):
      guard case .tone(let tone) = audio else { throw .notApplicable("\(peer.product) can be asked for a tone alone") }
      let seconds = duration.map { "\($0.components.seconds + ($0.components.attoseconds > 0 ? 1 : 0))" } ?? ""
      try ask(.speak, names(leg).merging(["tone": "\(tone.frequency)", "seconds": seconds]) { $1 }, command)
    case .press: throw .notApplicable("\(peer.product) cannot be asked for digits by a step: its own word that they were sent is missing")
    case .register(_, let expires): try ask(.register, try registrar(expires).merging(["expires": "\(expires)"]) { $1 }, command)
    case .unregister: try ask(.unregister, try registrar(0), command)
    case .options: try ask(.options, try registrar(0), command)
    // The other side ends its legs too.
    case .hangUpAll: if peer.commands[.hangUpAll] != nil { try ask(.hangUpAll, [:], command) }
    case .sendCodec, .send, .inject, .wire, .setPassword, .administer, .fault, .reboot, .move, .impair, .host, .note, .finding:
      throw .notApplicable("\(name) is \(peer.product), a product of its own: it cannot \(command.verb)")
    }
  }

  // MARK: - Places

  private func names(_ leg: StageLeg) -> [String: String] { ["call": leg.name ?? "", "callID": leg.callID] }

  private func target(of destination: StageCommand.Destination, _ call: String) throws(StageFailure) -> [String: String] {
    let request = try directory.call(from: name, to: destination, as: call)
    return try places(user: request.uri.user ?? "", request.hop)
  }

  private func registrar(_ expires: Int) throws(StageFailure) -> [String: String] {
    let request = try directory.registration(of: name, expires: expires)
    return try places(user: request.aor.uri.user ?? "", request.hop)
  }

  private func places(user: String, _ hop: NextHop) throws(StageFailure) -> [String: String] {
    guard let address = hop.first?.address else { throw .notApplicable("\(name) is \(peer.product), which does not know the run's names") }
    let suffix = peer.transport == .udp ? "" : ";transport=\(peer.transport.rawValue)"
    return [
      "user": user, "host": address.address.description, "port": "\(address.port)",
      "target": "sip:\(user.isEmpty ? "" : "\(user)@")\(address)\(suffix)",
    ]
  }

  // MARK: - Commands

  private func ask(_ step: PeerStep, _ values: [String: String], _ command: StageCommand) throws(StageFailure) {
    guard !peer.cannot.contains(step.ability) else { throw .notApplicable("\(name) is \(peer.product), which cannot \(command.verb)") }
    guard let template = peer.commands[step] else {
      throw .notApplicable("\(peer.file) has no command '\(step.rawValue)': \(name), which is \(peer.product), cannot \(command.verb)")
    }
    let words = template.filled(values.merging(["member": name, "transport": peer.transport.rawValue]) { $1 })
    last = last.flatMap { [loop] in NIOThreadPool.singleton.runIfActive(eventLoop: loop) { PeerProcess.run(words) } }
      .map { [weak self] outcome in self?.took(outcome, of: words) }
      .flatMapError { [loop] _ in loop.makeSucceededVoidFuture() }
  }

  private func took(_ outcome: PeerProcess.Outcome, of words: [String]) {
    let text = words.joined(separator: " ")
    onOutput?("\(name) ran: \(text)\n\(outcome.output)")
    guard outcome.code != 0 else { return }
    let how = outcome.code.map { "ended with exit code \($0)" } ?? "could not be started"
    onFailure?(.void("the command of \(name) \(how): \(text)\n\(outcome.output)"))
  }
}

extension PeerFile {
  /// Why it cannot play a member; nil when it can.
  func objection(to member: Scenario.Member) -> String? {
    func cannot(_ ability: PeerAbility, _ isNeeded: Bool, _ what: String) -> String? {
      isNeeded && self.cannot.contains(ability) ? "\(member.name) is \(product), which cannot \(what)" : nil
    }
    guard member.transport == transport || isEndpoint(member) else {
      return "\(member.name) calls over \(member.transport.rawValue) in the scenario, \(product) over \(transport.rawValue)"
    }
    if member.port != nil { return "\(member.name) has a port of its own in the scenario, \(product) listens on the one of its transport" }
    return cannot(.tls, member.transport == .tls, "speak TLS") ?? cannot(.tcp, member.transport == .tcp, "speak TCP")
      ?? cannot(.earlyMedia, member.hasEarlyMedia, "answer with early media") ?? cannot(.refuse, member.rejectsWith != nil, "refuse a call")
      ?? cannot(.delayedAnswer, member.answerDelay > .zero, "delay its answer")
      ?? cannot(.directMedia, member.directMedia != nil, "move its media to another address")
      ?? cannot(.music, member.music != nil, "have its music elsewhere")
  }

  private func isEndpoint(_ member: Scenario.Member) -> Bool { if case .endpoint = member.role { true } else { false } }
}
