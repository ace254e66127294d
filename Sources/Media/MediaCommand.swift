import Mark
import RTP
import SDP
import SRTP
import SansIO
import SecureTransport

/// What is asked of a ``MediaStream``. Commands and ``MediaEvent``s are all that passes between a stream and whoever has it, so that a
/// stream can run on another loop than the call it belongs to.
public enum MediaCommand: Hashable, Sendable {
  /// Packets begin to leave: the first one when the first frame of audio is full.
  case start
  /// Answers the handshake of DTLS that the agreement lets the peer begin, before packets leave.
  case secure
  /// Sends this instead of silence from the next packet on; nil = to the end.
  case play(SpokenAudio, until: Instant?)
  /// Sends digits; ``MediaEvent/pressed`` or ``MediaEvent/pressFailed(_:)`` follows. INFO is not the stream's.
  case press(DigitPlan, by: DigitWay)
  /// An offer of ours is open, and this is what it lets the peer send; nil = it was refused.
  case offer(ReceivableAudio?)
  /// Sends this codec of the agreement from the next packet on, without another offer (RFC 3264 §5.1); one that it does not have changes
  /// nothing.
  case send(AudioCodec)
  /// What is heard goes there from now on; nil = nowhere.
  case bridge(BridgeEnd?)
  /// The agreement of a dialog of the INVITE that made the stream: of the present one, or with another To tag of another fork.
  case agree(AudioAgreement, remoteTag: String?)
  /// A re-INVITE made this agreement, after which RTP may come from elsewhere (contract 8.5).
  ///
  /// `isKnown`: whether the peer knows of it: not while our answer may still be on its way. ``confirm`` follows then.
  case renegotiate(AudioAgreement, isKnown: Bool)
  /// The peer has our answer.
  case confirm
  /// Its packets leave from other ports from now on, and come there: ``renegotiate(_:isKnown:)`` with that address follows.
  case move(rtp: PortID, rtcp: PortID, TransportAddress)
  /// Until when RTP may belong to a dialog that we do not know: responses of further branches may come until 64·T1 after the first 2xx
  /// (RFC 3261 §13.2.2.4).
  case expectForks(until: Instant)
  /// From now on it is reported when nothing came for so long while the agreement lets it come; nil = never.
  case watchSilence(Duration?)
  /// Ends the stream with an RTCP BYE (RFC 3550 §6.6), if it ever said anything. ``MediaEvent/stopped(_:)`` follows.
  case stop
  /// Ends the DTLS association as well (RFC 5246 §7.2.1): the last thing that is said.
  case close
}

/// What a media stream noticed.
public enum MediaEvent: Hashable, Sendable {
  case firstPacketReceived
  /// Hertz.
  case toneHeard(Int)
  case toneEnded
  /// What the marks in the audio tell; only where somebody listens for them.
  case mark(MarkFinding)
  /// The peer sent a digit, which is over.
  case digit(HeardDigit)
  /// All digits that were asked for have been sent.
  case pressed
  /// Digits cannot be sent: none of them was.
  case pressFailed(DigitRefusal)
  /// A rule that the peer's packets broke, reported once a kind.
  case violation(PeerViolation)
  /// RTP goes where the peer's came from (contract 8.5).
  case remoteLatched(TransportAddress)
  /// The handshake of DTLS has ended well: media may go both ways.
  case secured(SecuredMedia)
  /// The handshake came to nothing.
  case securingFailed(TLSFailure)
  /// The peer ended the association by close_notify: nothing more leaves, and the call goes on.
  case associationClosed
  /// Nothing came for as long as ``MediaCommand/watchSilence(_:)`` says.
  case silent
  /// The stream has ended; again for each further ``MediaCommand/stop``, since late packets still count.
  case stopped(MediaReport)
}

/// What a handshake of DTLS gave a stream.
public struct SecuredMedia: Hashable, Sendable {
  public var association: AgreedAssociation
  public var suite: SRTPSuite
  public var version: DTLSVersion
  /// The cipher suite of the handshake, as OpenSSL spells it.
  public var cipher: String

  public init(_ association: AgreedAssociation, suite: SRTPSuite, version: DTLSVersion, cipher: String) {
    (self.association, self.suite, self.version, self.cipher) = (association, suite, version, cipher)
  }
}

/// The figures of one side's media.
public struct MediaReport: Hashable, Sendable {
  public var packetsSent: UInt32
  public var packetsReceived: UInt32
  /// Of payload.
  public var octetsSent: UInt32
  public var octetsReceived: UInt32
  /// By the peer's sequence numbers; duplicates can make it negative.
  public var packetsLost: Int
  public var jitter: Duration
  /// The tones that were heard, in the order they began, in hertz.
  public var tones: [Int]
  /// What the peer last reported of our stream: lost packets; nil when no report came.
  public var packetsLostAtPeer: Int?
  /// What could not be verified of SRTP and SRTCP, by cause.
  public var drops = SRTPDropCounts()
  /// Where there is a jitter buffer, or figures are asked for.
  public var quality: MediaQuality?
  /// What could not be heard, by cause.
  public var faults = PayloadFaults()
}

extension MediaReport {
  /// The value of P-RTP-Stat, a Cisco header: packets and octets sent and received, packets lost, jitter and latency in milliseconds
  /// (latency is not measured), duration of the call in seconds.
  public func statisticsHeader(seconds: Int) -> String {
    let milliseconds = jitter.wholeNanoseconds / 1_000_000
    return
      "PS=\(packetsSent),OS=\(octetsSent),PR=\(packetsReceived),OR=\(octetsReceived),"
      + "PL=\(max(0, packetsLost)),JI=\(milliseconds),LA=0,DU=\(seconds)"
  }
}
