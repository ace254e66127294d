import SansIO

/// Networks as people meet them, by name. The numbers are meant to be typical, not worst cases; where one is measured or laid down
/// somewhere, that is named.
public enum ImpairmentPreset: String, CaseIterable, Sendable {
  /// A switched network with voice in a class of its own: the network that ITU-T G.1050's profile A calls well managed.
  case voipLAN = "voip-lan"
  /// A phone on the move between access points: short outages of 150 ms every 20 s, the time of a full authentication
  /// with 802.1X (IEEE 802.11r exists because it takes that long), loss in short bursts, and retransmissions on air as jitter.
  case wifiRoaming = "wifi-roaming"
  /// A mobile in a loaded cell: delay about 50 ms one way with gamma jitter that comes in waves; HARQ (3GPP TS 36.321) keeps the order and
  /// all but a small rest of the loss away.
  case lte
  /// An ADSL2+ uplink of 1 Mbit/s (ITU-T G.992.5) while somebody uploads: the queue of half a second in the modem is nearly full.
  case dslUplinkFull = "dsl-uplink-full"
  /// A geostationary satellite: 35,786 km up and down and the ground segment, 270 ms one way, near the 400 ms that ITU-T G.114 gives as the
  /// limit for planning.
  case satellite

  public var impairment: Impairment {
    switch self {
    case .voipLAN: return Impairment(delay: .milliseconds(2), jitter: .uniform(.milliseconds(1)))
    case .wifiRoaming:
      var link = Impairment(delay: .milliseconds(5), jitter: Jitter(.gamma(mean: .milliseconds(6), shape: 1), correlation: .percent(30)))
      if let bursts = GilbertElliott(rate: .percent(1), length: 3) { link.loss = .gilbertElliott(bursts) }
      link.outages = [Outage(from: .seconds(4), for: .milliseconds(150), every: .seconds(20))]
      return link
    case .lte:
      return Impairment(
        delay: .milliseconds(40), jitter: Jitter(.gamma(mean: .milliseconds(10), shape: 2), correlation: .percent(80), keepsOrder: true),
        loss: .random(Ratio(1, of: 500)))
    case .dslUplinkFull:
      var link = Impairment(delay: .milliseconds(15))
      link.bandwidth = Bandwidth(bitsPerSecond: 1_000_000, queue: .time(.milliseconds(500)), crossTraffic: 980_000)
      return link
    case .satellite:
      var link = Impairment(
        delay: .milliseconds(270), jitter: Jitter(.normal(.milliseconds(3)), correlation: .percent(50), keepsOrder: true),
        loss: .random(Ratio(1, of: 200)))
      link.bandwidth = Bandwidth(bitsPerSecond: 2_000_000, queue: .time(.milliseconds(400)))
      return link
    }
  }

  /// A sentence for documentation.
  public var summary: String {
    switch self {
    case .voipLAN: "2 ms and up to 1 ms of jitter"
    case .wifiRoaming: "5 ms and gamma jitter of 6 ms, 1 % loss in bursts of 3, down for 150 ms every 20 s"
    case .lte: "40 ms and gamma jitter of 10 ms in waves and in order, 0.2 % loss"
    case .dslUplinkFull: "15 ms, 1 Mbit/s of which an upload takes 0.98, a queue of 500 ms"
    case .satellite: "270 ms, normal jitter of 3 ms, 0.5 % loss, 2 Mbit/s"
    }
  }
}
