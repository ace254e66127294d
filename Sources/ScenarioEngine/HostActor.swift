import CallControl
import Kallglot
import KallglotPolicy
import Media
import Personas
import SIPUserAgent
import SansIO
import ScenarioModel

/// A member that one of our own hosts plays, whatever drives the host.
///
/// It knows the host's legs by their Call-IDs from what the host says when they begin, so that nobody else has to know its numbers.
public final class HostActor: StageActor {
  /// Calls the host outside its own arrivals, now.
  public typealias Access = ((Instant, inout Outbox) -> Void) -> Void

  public var name: String { member.name }
  public var isEndpoint: Bool { member.isEndpoint }

  private var member: Cast.Member
  /// Why it can do nothing: its host stands still, or is no more; nil = it can.
  public var absence: () -> String? = { nil }
  private let directory: CastDirectory
  private let access: Access
  /// The legs that are not over, in the order in which they began.
  private var legs: [(callID: String, id: LegID)] = []

  public init(_ member: Cast.Member, _ directory: CastDirectory, access: @escaping Access) {
    self.member = member
    self.directory = directory
    self.access = access
  }

  public func take(_ event: any HostEvent) {
    switch EventSubject.partyEvent(event) {
    case .started(let id, let facts): legs.append((facts.callID, id))
    case .ended(let id, _, _): legs.removeAll { $0.id == id }
    default: break
    }
  }

  /// Its host is no more, or another one from now on: what it knew of legs is over.
  public func replace(by member: Cast.Member? = nil) {
    if let member { self.member = member }
    legs = []
  }

  public func carryOut(_ command: StageCommand) throws(StageFailure) {
    if let absence = absence() {
      // At the end of a run there is nobody to hang up.
      if case .hangUpAll = command { return }
      throw .void("\(name) cannot \(command.verb): \(absence)")
    }
    switch command {
    case .send(_, let to, let bytes): try wire(.send(bytes, to: try target(to)), command)
    case .inject(_, let to, let port, let bytes): try wire(.sendMedia(bytes, to: try target(to, port: port), .protect), command)
    case .wire(_, let act): try wire(try translated(act), command)
    case .setPassword(_, let password):
      guard let setPassword = member.setPassword else { throw .void("\(name) has no password of its own") }
      setPassword(password)
    case .administer(let change): try administer(change)
    case .call(_, .account(let account), let alias): try administer(.callAccount(account, name: alias))
    // Who has no legs has none to end.
    case .hangUpAll: if let perform = member.perform { access { now, out in perform(.hangUpAll, now, &out) } }
    case .call, .hangUp, .cancel, .hold, .resume, .reinvite, .speak, .press, .sendCodec, .register, .unregister, .options, .fault, .reboot,
      .move, .impair, .host, .note, .finding:
      let translated = try translated(command)
      guard let perform = member.perform else {
        throw .void("\(name) is a wire member, which has no user agent: it cannot \(command.verb)")
      }
      access { now, out in perform(translated, now, &out) }
    }
  }

  /// The command in the host's own words.
  private func translated(_ command: StageCommand) throws(StageFailure) -> CallAgentCommand {
    switch command {
    case .call(_, let to, let alias): return .call(try directory.call(from: name, to: to, as: alias))
    case .hangUp(let leg): return .hangUp(try id(of: leg, command))
    case .cancel(let leg): return .cancel(try id(of: leg, command))
    case .hold(let leg, let form): return .reinvite(try id(of: leg, command), .hold(form.map(SessionChange.HoldForm.init)))
    case .resume(let leg): return .reinvite(try id(of: leg, command), .resume)
    case .reinvite(let leg, let form): return .reinvite(try id(of: leg, command), change(form))
    case .speak(let leg, let audio, let duration): return .speak(try id(of: leg, command), audio, for: duration)
    case .press(let leg, let press):
      return .press(try id(of: leg, command), press.plan, by: press.way, press.form == .relay ? .relay : .plain)
    case .sendCodec(let leg, let codec): return .send(try id(of: leg, command), codec)
    case .register(_, let expires): return .register(try directory.registration(of: name, expires: expires))
    case .unregister: return .register(try directory.registration(of: name, expires: 0))
    case .options: return try directory.options(from: name)
    case .hangUpAll: return .hangUpAll
    case .send, .inject, .wire, .setPassword, .administer, .fault, .reboot, .move, .impair, .host, .note, .finding:
      throw .void("\(name) has no user agent that could \(command.verb)")
    }
  }

  private func id(of leg: StageLeg, _ command: StageCommand) throws(StageFailure) -> LegID {
    if let found = legs.last(where: { $0.callID == leg.callID }) { return found.id }
    throw .void("\(name) cannot \(command.verb): its host has no leg of Call-ID \(leg.callID)")
  }

  private func change(_ form: ReinviteForm) -> SessionChange {
    switch form {
    case .refresh: .refresh
    case .renew(let keys, let ports): .renew(keys: keys, ports: ports)
    case .empty(let direction): .askForOffer(answering: direction)
    case .directMedia(let target): .directMedia(to: target)
    }
  }

  private func target(_ to: String, port: UInt16? = nil) throws(StageFailure) -> TransportAddress {
    try directory.wireTarget(from: name, to: to, port: port)
  }

  private func translated(_ act: WireAct) throws(StageFailure) -> WireHost.Command {
    switch act {
    case .sendInClear(let bytes, let to): .sendInClear(bytes, to: try target(to))
    case .connect(let to, let serverName, let resumes, let form):
      .connect(to: try target(to), serverName: serverName, resumes: resumes, HandshakeManner(form))
    case .renegotiate(let with): .renegotiate(with: try target(with))
    case .accept(let form): .accept(HandshakeManner(form))
    case .useKeys(let send, let receive, let goesOn): .useKeys(send: send, receive: receive, goesOn: goesOn)
    case .inject(let bytes, let to, let port, let form):
      .sendMedia(bytes, to: try target(to, port: port), PacketTreatment(form, bytes.count < 4 ? 0 : Int(bytes[2]) << 8 | Int(bytes[3])))
    case .report(let kind, let ssrc, let to, let port, let form, let number):
      .sendReport(kind == .sender ? .sender : .receiver, ssrc: ssrc, to: try target(to, port: port), PacketTreatment(form, number))
    case .associate(let to, let port, let form): .associate(AssociationTerms(form), with: try target(to, port: port))
    case .close(let with, .closeNotify): .end(with: try target(with), .closeNotify)
    case .close(let with, .orderly): .end(with: try target(with), .orderly)
    case .close(let with, .reset): .end(with: try target(with), .reset)
    }
  }

  private func wire(_ order: WireHost.Command, _ command: StageCommand) throws(StageFailure) {
    guard let wire = member.wire else { throw .void("\(name) has a stack of its own: it cannot \(command.verb) as it is written") }
    var refusal: String?
    access { now, out in refusal = wire(order, now, &out) }
    if let refusal { throw .void("\(name) cannot \(command.verb): \(refusal)") }
  }

  private func administer(_ change: Administration) throws(StageFailure) {
    guard let administer = member.administer else { throw .void("\(name) is not the endpoint: it has no portal and no API") }
    access { now, out in administer(change, now, &out) }
  }
}

extension SessionChange.HoldForm {
  init(_ form: HoldForm) {
    switch form {
    case .sendonly: self = .sendonly
    case .inactive: self = .inactive
    case .zeroAddress: self = .zeroAddress
    case .music: self = .music
    }
  }
}

extension PacketTreatment {
  /// - Parameter number: of what leaves once more.
  init(_ form: PacketForm, _ number: Int) {
    switch form {
    case .srtp: self = .protect
    case .clear: self = .clear
    case .wrongTag: self = .wrongTag
    case .otherKey: self = .otherKey
    case .oldRollover: self = .oldRollover
    case .replay: self = .replay(number)
    case .unencrypted: self = .unencrypted
    case .oldIndex: self = .oldIndex
    }
  }
}

extension AssociationTerms {
  init(_ form: AssociationForm) {
    self.init(
      role: form.isActive ? .active : .passive, certificate: form.certificate, fingerprints: form.fingerprints, profiles: form.profiles,
      isMultiplexed: form.isMultiplexed, mtu: form.mtu)
  }
}

extension HandshakeManner {
  init(_ form: HandshakeForm) {
    self.init()
    (flights, bytes, pieces, every) = (form.flights, form.bytes, form.pieces, form.every)
  }
}

extension StageCommand {
  /// What cannot be done, for a sentence: `hang up`.
  public var verb: String {
    switch self {
    case .call: "call"
    case .hangUp, .hangUpAll: "hang up"
    case .cancel: "cancel"
    case .hold: "hold"
    case .resume: "resume"
    case .reinvite: "send a re-INVITE"
    case .speak: "speak"
    case .press: "press digits"
    case .sendCodec: "change its codec without a re-INVITE"
    case .register: "register"
    case .unregister: "unregister"
    case .options: "send OPTIONS"
    case .send: "send bytes"
    case .inject: "inject RTP"
    case .wire: "use a connection"
    case .setPassword: "change its password"
    case .administer: "be administered"
    case .fault: "make a fault"
    case .reboot: "reboot"
    case .move: "have another address"
    case .impair: "impair a link"
    case .host: "change a host"
    case .note, .finding: "write into the journal"
    }
  }
}
