import Kallglot
import Personas
import ScenarioModel

extension AudioSettings {
  init(_ given: AudioGiven) {
    self.init()
    (codecs, opus, answersEvery) = (given.codecs, given.opus, given.answersEvery)
    (packetTime, maximumPacketTime) = (given.packetTime, given.maximumPacketTime)
  }
}

extension KallglotEndpoint.LegAudio {
  init(_ given: AudioGiven.Hearing) {
    switch given {
    case .silence: self = .silence
    case .echo: self = .echo
    case .bridge: self = .bridge
    }
  }
}
