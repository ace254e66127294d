import Media
import SDP
import SIPUserAgent
import SansIO
import SecureTransport
import Testing

@testable import CallControl

/// The streams of one leg: the call's and the music server's.
@Suite struct LegStreamsTests {
  private let place = TransportAddress(IPAddress(v4: 0xC000_0201), port: 20_000)

  private func agreement(_ direction: MediaDirection) -> AudioAgreement {
    AudioAgreement(
      codec: .pcmu, local: place, remote: place, remoteControl: place, direction: direction, sendPayloadType: 0, receivePayloadType: 0,
      packetTime: 20)
  }

  private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  @Test func `a leg with music is woken for each stream at its own time, and for the call's alone when the music has ended`() {
    let settings = LegStreams.Settings(
      cname: "call", musicCname: "music", musicFrequency: 440, sendsAudio: true, rekey: .keepROC, earlyRTP: .drop,
      identity: DTLSIdentity(entropy: Entropy(seed: 2), epoch: .virtual), entropy: Entropy(seed: 1), epoch: .virtual)
    var out = Outbox()
    var streams = LegStreams(LegID(1))
    streams.handle(.begin(agreement(.sendrecv), tag: nil), pair: SlabPlace(index: 0, generation: 0), settings, at: at(0), &out)
    #expect(streams.endTurn().deadline == at(20))
    streams.openMusic(SlabPlace(index: 1, generation: 0))
    streams.musicOpened(settings, at: at(5), &out)
    streams.handle(.play(agreement(.sendonly)), pair: nil, settings, at: at(5), &out)
    #expect(streams.endTurn().deadline == at(20))
    var woken: [Instant] = []
    while let due = streams.endTurn().deadline, due < at(60) {
      woken.append(due)
      streams.wake(at: due, &out)
    }
    #expect(woken == [20, 25, 40, 45].map(at))
    #expect(streams.closeMusic(at: at(50), &out) == SlabPlace(index: 1, generation: 0))
    streams.wake(at: at(60), &out)
    #expect(streams.endTurn().deadline == at(80))
  }
}
