import SDP
import SRTP
import SansIO
import SecureTransport

/// What is made of the packets that come.
public struct ReceptionSettings: Hashable, Sendable {
  /// How long frames wait for those behind them.
  public var jitterBuffer: JitterBufferMode
  /// Loss and jitter are kept by interval, whether there is a jitter buffer or not.
  public var keepsFigures: Bool
  /// Reports have VoIP metrics (RFC 3611 §4.7).
  public var sendsVoIPMetrics: Bool

  public init(jitterBuffer: JitterBufferMode = .none, keepsFigures: Bool = false, sendsVoIPMetrics: Bool = false) {
    (self.jitterBuffer, self.keepsFigures, self.sendsVoIPMetrics) = (jitterBuffer, keepsFigures, sendsVoIPMetrics)
  }

  /// What a live endpoint does: an adaptive jitter buffer, and figures.
  public static let live = ReceptionSettings(jitterBuffer: .adaptive, keepsFigures: true)

  var needsDesk: Bool { keepsFigures || sendsVoIPMetrics || jitterBuffer != .none }
}

extension MediaStream {
  public struct Configuration: Sendable {
    /// Of RTCP's SDES (RFC 3550 §6.5.1).
    public var cname: String
    public var rtpPort: PortID
    public var rtcpPort: PortID
    /// The number that packet labels carry.
    public var dialog: UInt32
    /// Whether RTP leaves at all.
    public var sendsAudio: Bool
    /// What a new key of SRTP does to the rollover counter.
    public var rekey: RolloverReading
    /// Whose certificate handshakes of DTLS show; without one there is no DTLS.
    public var identity: DTLSIdentity?
    /// The sequence number of its first packet; nil = drawn (RFC 3550 §5.1).
    public var firstSequence: UInt16?
    /// What becomes of packets that come before their keys.
    public var earlyRTP = EarlyRTP.drop
    public var reception = ReceptionSettings()
    /// What is listened for in what comes, beside tones.
    public var listening = AudioListening.none
    public var epoch: Epoch

    public init(
      cname: String, rtpPort: PortID, rtcpPort: PortID, dialog: UInt32, sendsAudio: Bool = true, rekey: RolloverReading = .keepROC,
      identity: DTLSIdentity? = nil, epoch: Epoch
    ) {
      self.cname = cname
      self.rtpPort = rtpPort
      self.rtcpPort = rtcpPort
      self.dialog = dialog
      self.sendsAudio = sendsAudio
      self.rekey = rekey
      self.identity = identity
      self.epoch = epoch
    }
  }
}
