import Media
import SDP
import SIPUserAgent
import SansIO

/// The stream of a music server: another address than the phone's, so a stream of its own.
struct MusicStream {
  let port: UInt16
  let rtp: PortID
  let rtcp: PortID
  var unbound = 2
  /// What was agreed before the ports were open.
  var awaited: AudioAgreement?
  var media: MediaStream?

  func owns(_ id: PortID) -> Bool { id == rtp || id == rtcp }
}

// Music on hold from a server beside the party: the answer to the peer's offer names it, and the peer hears it from there.
extension Party {
  private var musicAddress: IPAddress { configuration.musicAddress ?? configuration.mediaAddress }

  /// Opens the server's ports; they are needed one round trip later.
  func prepareMusic(_ leg: Leg, _ out: inout Outbox) {
    guard leg.music == nil, let port = ports.take() else { return }
    lastPort += 2
    let music = MusicStream(port: port, rtp: PortID(lastPort), rtcp: PortID(lastPort + 1))
    leg.music = music
    legsByPort[music.rtp] = leg.id
    legsByPort[music.rtcp] = leg.id
    tell(.mediaPorts(leg.id, rtp: TransportAddress(musicAddress, port: port)))
    out.bind(music.rtp, TransportAddress(musicAddress, port: port))
    out.bind(music.rtcp, TransportAddress(musicAddress, port: port + 1))
  }

  /// Where a held peer shall send to.
  func musicPlace(_ leg: Leg) -> TransportAddress? { leg.music.map { TransportAddress(musicAddress, port: $0.port) } }

  func musicPortOpened(_ leg: Leg, _ port: PortID, at now: Instant, _ out: inout Outbox) {
    leg.music?.unbound -= 1
    if let agreement = leg.music?.awaited { playMusic(leg, agreement, at: now, &out) }
  }

  /// Without the server the party answers from its own address, silent.
  func musicFailed(_ leg: Leg, _ failure: BindFailure, at now: Instant, _ out: inout Outbox) {
    tell(.portsMissing(leg.id, reason: "no port for music could be opened at \(musicAddress): \(failure)"))
    stopMusic(leg, at: now, &out)
  }

  func playMusic(_ leg: Leg, _ agreement: AudioAgreement, at now: Instant, _ out: inout Outbox) {
    guard let music = leg.music, music.unbound == 0 else {
      leg.music?.awaited = agreement
      return
    }
    var media = MediaStream(
      .init(
        cname: "music@\(musicAddress)", rtpPort: music.rtp, rtcpPort: music.rtcp, dialog: leg.id.rawValue,
        sendsAudio: configuration.sendsMedia, epoch: epoch),
      agreement: agreement, entropy: mediaEntropy.fork("\(leg.id) music \(music.port)"))
    media.handle(.start, at: now, &out)
    media.handle(.play(Tone(frequency: configuration.habits.musicFrequency), until: nil), at: now, &out)
    leg.music?.awaited = nil
    leg.music?.media = media
    afterMedia(leg, at: now, &out)
  }

  func stopMusic(_ leg: Leg, at now: Instant, _ out: inout Outbox) {
    guard var music = leg.music else { return }
    music.media?.handle(.stop, at: now, &out)
    leg.music = nil
    legsByPort[music.rtp] = nil
    legsByPort[music.rtcp] = nil
    out.unbind(music.rtp)
    out.unbind(music.rtcp)
    ports.release(music.port)
  }
}
