import KallglotPolicy
import Media
import SDP
import SansIO

/// What a step asks of the stage: a value of the language, whoever carries it out. Names are those of the cast.
public enum StageCommand: Hashable, Sendable {
  /// Where a call goes.
  public enum Destination: Hashable, Sendable {
    /// A session of the endpoint: `sip:sess_…@domain`.
    case session(id: String)
    /// An account of the endpoint, at the contact it registered.
    case account(String)
    /// Another member, by its address.
    case member(String)
    /// A URI as written, sent to the endpoint.
    case uri(String)
  }

  case call(from: String, to: Destination, as: String)
  /// Ends a leg: BYE, CANCEL or a refusal, depending on its state.
  case hangUp(StageLeg)
  case cancel(StageLeg)
  /// nil = as the product does it.
  case hold(StageLeg, HoldForm?)
  case resume(StageLeg)
  case reinvite(StageLeg, ReinviteForm)
  /// Sends a tone, a mark or a prompt for so long; nil = until the leg ends.
  case speak(StageLeg, SpokenAudio, for: Duration?)
  case press(StageLeg, DigitPress)
  /// Sends another codec of the agreement from now on, without a re-INVITE.
  case sendCodec(StageLeg, AudioCodec)
  /// A member registers its account, for so many seconds.
  case register(String, expires: Int)
  /// A member removes its binding.
  case unregister(String)
  /// A member pings the endpoint.
  case options(String)
  /// A wire member sends bytes to another member.
  case send(from: String, to: String, Bytes)
  /// A wire member sends a datagram to a port of another member.
  case inject(from: String, to: String, port: UInt16, Bytes)
  /// What else a wire member does.
  case wire(String, WireAct)
  /// The password that a member uses from now on.
  case setPassword(String, Secret)
  /// What Kallglot's portal or API would do.
  case administer(Administration)
  /// Something that shall happen to a message.
  case fault(FaultPlan)
  /// A NAT or firewall forgets its bindings, and may have another outside address.
  case reboot(String, outside: IPAddress?)
  /// A member has another address.
  case move(String, to: IPAddress)
  /// A link is another one from now on.
  case impair(LinkChange)
  /// Something happens to a member's host as a whole.
  case host(String, HostAct)
  /// A line for the journal.
  case note(String)
  /// A finding to be written into the captures it cites.
  case finding(Finding)
  /// Every member ends all its legs.
  case hangUpAll

  /// Whether it makes members do something, so that what comes of it belongs to its step.
  public var isAct: Bool {
    switch self {
    case .call, .hangUp, .cancel, .hold, .resume, .reinvite, .speak, .press, .sendCodec, .register, .unregister, .options, .send, .inject,
      .wire, .setPassword, .administer, .impair, .host:
      true
    case .fault, .reboot, .move, .note, .finding, .hangUpAll: false
    }
  }

  /// Who carries it out; nil for what is the endpoint's, whatever it is called, and the stage's.
  public var member: String? {
    switch self {
    case .call(let member, _, _), .register(let member, _), .unregister(let member), .options(let member), .send(let member, _, _),
      .inject(let member, _, _, _), .wire(let member, _), .setPassword(let member, _), .host(let member, _):
      member
    case .hangUp(let leg), .cancel(let leg), .hold(let leg, _), .resume(let leg), .reinvite(let leg, _), .speak(let leg, _, _),
      .press(let leg, _), .sendCodec(let leg, _):
      leg.member
    case .administer, .fault, .reboot, .move, .impair, .note, .finding, .hangUpAll: nil
    }
  }
}

/// One side of a call, as everybody on stage can name it.
public struct StageLeg: Hashable, Sendable, CustomStringConvertible {
  public var member: String
  public var callID: String
  /// What the step that placed the call named it; nil at the called side.
  public var name: String?

  public init(member: String, callID: String, name: String? = nil) {
    self.member = member
    self.callID = callID
    self.name = name
  }

  public var description: String { "\(name.map { "\($0) of " } ?? "the leg of ")\(member) (Call-ID \(callID))" }
}

/// The ways products put a call on hold, in the words of a scenario.
public enum HoldForm: String, Hashable, Sendable, CaseIterable {
  /// `a=sendonly` (RFC 3264 §8.4): music may be played.
  case sendonly
  /// `a=inactive`.
  case inactive
  /// `c=0.0.0.0` (RFC 2543): still sent by old products.
  case zeroAddress = "0.0.0.0"
  /// `a=inactive`, then a re-INVITE without offer whose ACK answers `a=sendonly` from a music server: CUCM.
  case music = "inactive-then-music"
}

/// Other re-INVITEs.
public enum ReinviteForm: Hashable, Sendable {
  /// The same session once more.
  case refresh
  /// The same session with other keys of SDES, at other ports, or both.
  case renew(keys: Bool, ports: Bool)
  /// Without offer: the peer's 200 has to carry one (RFC 3264 §5, RFC 6337 §5.3); the answer wishes for this direction.
  case empty(answering: MediaDirection)
  /// Direct media: the peer shall send to another address; nil = to the member's own again.
  case directMedia(to: TransportAddress?)
}
