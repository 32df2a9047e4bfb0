"""The papers behind the methods, by key."""

from __future__ import annotations

from collections.abc import Iterable

from neurolab.errors import UnknownNameError, did_you_mean

#: Citation by key; methods paragraphs name the keys, the report lists what was named.
REFERENCES = {
    "Aharonov et al. 2003": "Aharonov R, Segev L, Meilijson I, Ruppin E (2003). Localization of function via lesion "
    "analysis. Neural Comput 15: 885–913. doi:10.1162/08997660360581949",
    "Aronow et al. 2015": "Aronow PM, Samii C, Assenova VA (2015). Cluster-robust variance estimation for dyadic data. "
    "Polit Anal 23: 564–577. doi:10.1093/pan/mpv018",
    "Bates et al. 2003": "Bates E, Wilson SM, Saygin AP, Dick F, Sereno MI, Knight RT, Dronkers NF (2003). "
    "Voxel-based lesion–symptom mapping. Nat Neurosci 6: 448–450. doi:10.1038/nn1050",
    "Benjamini & Hochberg 1995": "Benjamini Y, Hochberg Y (1995). Controlling the false discovery rate. J R Stat Soc "
    "B 57: 289–300. doi:10.1111/j.2517-6161.1995.tb02031.x",
    "Benjamini & Yekutieli 2001": "Benjamini Y, Yekutieli D (2001). The control of the false discovery rate in "
    "multiple testing under dependency. Ann Stat 29: 1165–1188. doi:10.1214/aos/1013699998",
    "Berger & Boos 1994": "Berger RL, Boos DD (1994). P values maximized over a confidence set for the nuisance "
    "parameter. J Am Stat Assoc 89: 1012–1016. doi:10.1080/01621459.1994.10476836",
    "Berger 1982": "Berger RL (1982). Multiparameter hypothesis testing and acceptance sampling. Technometrics 24: "
    "295–300. doi:10.1080/00401706.1982.10487790",
    "Blondel et al. 2008": "Blondel VD, Guillaume JL, Lambiotte R, Lefebvre E (2008). Fast unfolding of communities "
    "in large networks. J Stat Mech 2008: P10008. doi:10.1088/1742-5468/2008/10/P10008",
    "Bonett & Wright 2000": "Bonett DG, Wright TA (2000). Sample size requirements for estimating Pearson, Kendall and "
    "Spearman correlations. Psychometrika 65: 23–28. doi:10.1007/BF02294183",
    "Brunner & Munzel 2000": "Brunner E, Munzel U (2000). The nonparametric Behrens-Fisher problem: asymptotic theory "
    "and a small-sample approximation. Biom J 42: 17–25.",
    "Crawford & Garthwaite 2005": "Crawford JR, Garthwaite PH (2005). Testing for suspected impairments and "
    "dissociations in single-case studies in neuropsychology. Neuropsychology 19: 318–331. "
    "doi:10.1037/0894-4105.19.3.318",
    "Crawford & Garthwaite 2007": "Crawford JR, Garthwaite PH (2007). Comparison of a single case to a control or "
    "normative sample in neuropsychology: development of a Bayesian approach. Cogn Neuropsychol 24: 343–372. "
    "doi:10.1080/02643290701290146",
    "Crawford & Howell 1998": "Crawford JR, Howell DC (1998). Comparing an individual's test score against norms "
    "derived from small samples. Clin Neuropsychol 12: 482–486. doi:10.1076/clin.12.4.482.7241",
    "Crawford et al. 2003": "Crawford JR, Garthwaite PH, Gray CD (2003). Wanted: fully operational definitions of "
    "dissociations in single-case studies. Cortex 39: 357–370.",
    "Crawford et al. 2011": "Crawford JR, Garthwaite PH, Ryan K (2011). Comparing a single case to a control sample: "
    "testing for neuropsychological deficits and dissociations in the presence of covariates. Cortex 47: 1166–1178. "
    "doi:10.1016/j.cortex.2011.02.017",
    "DeMarco & Turkeltaub 2018": "DeMarco AT, Turkeltaub PE (2018). A multivariate lesion symptom mapping toolbox and "
    "examination of lesion-volume biases and correction methods in lesion-symptom mapping. Hum Brain Mapp 39: "
    "4169–4182. doi:10.1002/hbm.24289",
    "Dice 1945": "Dice LR (1945). Measures of the amount of ecologic association between species. Ecology 26: "
    "297–302. doi:10.2307/1932409",
    "Ebbinghaus 1885": "Ebbinghaus H (1885). Über das Gedächtnis. Duncker & Humblot, Leipzig.",
    "Filan et al. 2021": "Filan D, Casper S, Hod S, Wild C, Critch A, Russell S (2021). Clusterability in neural "
    "networks. arXiv:2103.03386",
    "Finney 1971": "Finney DJ (1971). Probit Analysis, 3rd edition. Cambridge University Press.",
    "Freedman & Lane 1983": "Freedman D, Lane D (1983). A nonstochastic interpretation of reported significance "
    "levels. J Bus Econ Stat 1: 292–298. doi:10.1080/07350015.1983.10509354",
    "Grabisch & Roubens 1999": "Grabisch M, Roubens M (1999). An axiomatic approach to the concept of interaction "
    "among players in cooperative games. Int J Game Theory 28: 547–565. doi:10.1007/s001820050125",
    "Hirschberger et al. 2007": "Hirschberger M, Qi Y, Steuer RE (2007). Randomly generating portfolio-selection "
    "covariance matrices with specified distributional characteristics. Eur J Oper Res 177: 1610–1625. "
    "doi:10.1016/j.ejor.2005.10.014",
    "Hod et al. 2021": "Hod S, Casper S, Filan D, Wild C, Critch A, Russell S (2021). Detecting modularity in deep "
    "neural networks. arXiv:2110.08058",
    "Holm 1979": "Holm S (1979). A simple sequentially rejective multiple test procedure. Scand J Stat 6: 65–70.",
    "Hsueh et al. 2001": "Hsueh HM, Liu JP, Chen JJ (2001). Unconditional exact tests for equivalence or "
    "noninferiority for paired binary endpoints. Biometrics 57: 478–483. doi:10.1111/j.0006-341X.2001.00478.x",
    "Hubert & Arabie 1985": "Hubert L, Arabie P (1985). Comparing partitions. J Classif 2: 193–218. "
    "doi:10.1007/BF01908075",
    "Jonckheere 1954": "Jonckheere AR (1954). A distribution-free k-sample test against ordered alternatives. "
    "Biometrika 41: 133–145. doi:10.1093/biomet/41.1-2.133",
    "Keinan et al. 2004": "Keinan A, Sandbank B, Hilgetag CC, Meilijson I, Ruppin E (2004). Fair attribution of "
    "functional contribution in artificial and biological networks. Neural Comput 16: 1887–1915. "
    "doi:10.1162/0899766041336387",
    "Kriegeskorte et al. 2008": "Kriegeskorte N, Mur M, Bandettini P (2008). Representational similarity analysis – "
    "connecting the branches of systems neuroscience. Front Syst Neurosci 2: 4. doi:10.3389/neuro.06.004.2008",
    "Kriegeskorte et al. 2009": "Kriegeskorte N, Simmons WK, Bellgowan PSF, Baker CI (2009). Circular analysis in "
    "systems neuroscience: the dangers of double dipping. Nat Neurosci 12: 535–540. doi:10.1038/nn.2303",
    "Laird & Ware 1982": "Laird NM, Ware JH (1982). Random-effects models for longitudinal data. Biometrics 38: "
    "963–974. doi:10.2307/2529876",
    "Liang & Zeger 1986": "Liang KY, Zeger SL (1986). Longitudinal data analysis using generalized linear models. "
    "Biometrika 73: 13–22. doi:10.1093/biomet/73.1.13",
    "Maris & Oostenveld 2007": "Maris E, Oostenveld R (2007). Nonparametric statistical testing of EEG- and MEG-data. "
    "J Neurosci Methods 164: 177–190. doi:10.1016/j.jneumeth.2007.03.024",
    "Meyes et al. 2019": "Meyes R, Lu M, Waubert de Puiseau C, Meisen T (2019). Ablation studies in artificial neural "
    "networks. arXiv:1901.08644",
    "Morcos et al. 2018": "Morcos AS, Barrett DGT, Rabinowitz NC, Botvinick M (2018). On the importance of single "
    "directions for generalization. arXiv:1803.06959",
    "Molchanov et al. 2017": "Molchanov P, Tyree S, Karras T, Aila T, Kautz J (2017). Pruning convolutional neural "
    "networks for resource efficient inference. ICLR. arXiv:1611.06440",
    "Newman & Girvan 2004": "Newman MEJ, Girvan M (2004). Finding and evaluating community structure in networks. "
    "Phys Rev E 69: 026113. doi:10.1103/PhysRevE.69.026113",
    "Nichols & Holmes 2002": "Nichols TE, Holmes AP (2002). Nonparametric permutation tests for functional "
    "neuroimaging. Hum Brain Mapp 15: 1–25. doi:10.1002/hbm.1058",
    "Nili et al. 2014": "Nili H, Wingfield C, Walther A, Su L, Marslen-Wilson W, Kriegeskorte N (2014). A toolbox for "
    "representational similarity analysis. PLoS Comput Biol 10: e1003553. doi:10.1371/journal.pcbi.1003553",
    "Ojala & Garriga 2010": "Ojala M, Garriga GC (2010). Permutation tests for studying classifier performance. J Mach "
    "Learn Res 11: 1833–1863.",
    "Pereira et al. 2009": "Pereira F, Mitchell T, Botvinick M (2009). Machine learning classifiers and fMRI: a "
    "tutorial overview. NeuroImage 45: S199–S209. doi:10.1016/j.neuroimage.2008.11.007",
    "Phipson & Smyth 2010": "Phipson B, Smyth GK (2010). Permutation P-values should never be zero. Stat Appl Genet "
    "Mol Biol 9: 39. doi:10.2202/1544-6115.1585",
    "Plaut 1996": "Plaut DC (1996). Relearning after damage in connectionist networks: toward a theory of "
    "rehabilitation. Brain Lang 52: 25–82. doi:10.1006/brln.1996.0004",
    "Royston & Parmar 2013": "Royston P, Parmar MKB (2013). Restricted mean survival time: an alternative to the "
    "hazard ratio for the design and analysis of randomized trials with a time-to-event outcome. BMC Med Res "
    "Methodol 13: 152. doi:10.1186/1471-2288-13-152",
    "Sassenhagen & Draschkow 2019": "Sassenhagen J, Draschkow D (2019). Cluster-based permutation tests of MEG/EEG "
    "data do not establish significance of effect latency or location. Psychophysiology 56: e13335. "
    "doi:10.1111/psyp.13335",
    "Saxe et al. 2006": "Saxe R, Brett M, Kanwisher N (2006). Divide and conquer: a defense of functional localizers. "
    "NeuroImage 30: 1088–1096. doi:10.1016/j.neuroimage.2005.12.062",
    "Schuett et al. 2023": "Schütt HH, Kipnis AD, Diedrichsen J, Kriegeskorte N (2023). Statistical inference on "
    "representational geometries. eLife 12: e82566. doi:10.7554/eLife.82566",
    "Schuirmann 1987": "Schuirmann DJ (1987). A comparison of the two one-sided tests procedure and the power "
    "approach. J Pharmacokinet Biopharm 15: 657–680. doi:10.1007/BF01068419",
    "Shallice 1988": "Shallice T (1988). From Neuropsychology to Mental Structure. Cambridge University Press.",
    "Shapley 1953": "Shapley LS (1953). A value for n-person games. In: Kuhn HW, Tucker AW (eds), Contributions to "
    "the Theory of Games II: 307–317. Princeton University Press.",
    "Shi & Malik 2000": "Shi J, Malik J (2000). Normalized cuts and image segmentation. IEEE Trans Pattern Anal Mach "
    "Intell 22: 888–905. doi:10.1109/34.868688",
    "Skillings & Wolfe 1978": "Skillings JH, Wolfe DA (1978). Distribution-free tests for ordered alternatives in a "
    "randomized block design. J Am Stat Assoc 73: 427–431. doi:10.1080/01621459.1978.10481591",
    "Smith & Nichols 2009": "Smith SM, Nichols TE (2009). Threshold-free cluster enhancement: addressing problems of "
    "smoothing, threshold dependence and localisation in cluster inference. NeuroImage 44: 83–98. "
    "doi:10.1016/j.neuroimage.2008.03.061",
    "Spearman 1910": "Spearman C (1910). Correlation calculated from faulty data. Br J Psychol 3: 271–295. "
    "doi:10.1111/j.2044-8295.1910.tb00206.x",
    "Sundararajan et al. 2017": "Sundararajan M, Taly A, Yan Q (2017). Axiomatic attribution for deep networks. Proc "
    "Mach Learn Res 70: 3319–3328. arXiv:1703.01365",
    "Tango 1998": "Tango T (1998). Equivalence test and confidence interval for the difference in proportions for the "
    "paired-sample design. Stat Med 17: 891–908. doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B",
    "Traag et al. 2019": "Traag VA, Waltman L, van Eck NJ (2019). From Louvain to Leiden: guaranteeing well-connected "
    "communities. Sci Rep 9: 5233. doi:10.1038/s41598-019-41695-z",
    "Welch 1947": "Welch BL (1947). The generalization of 'Student's' problem when several different population "
    "variances are involved. Biometrika 34: 28–35. doi:10.1093/biomet/34.1-2.28",
    "Wilson 1927": "Wilson EB (1927). Probable inference, the law of succession, and statistical inference. J Am Stat "
    "Assoc 22: 209–212. doi:10.1080/01621459.1927.10502953",
    "Zhang et al. 2014": "Zhang Y, Kimberg DY, Coslett HB, Schwartz MF, Wang Z (2014). Multivariate lesion-symptom "
    "mapping using support vector regression. Hum Brain Mapp 35: 5861–5876. doi:10.1002/hbm.22590",
}


def bibliography(keys: Iterable[str]) -> list[str]:
    """Get the citations of these keys, each once, in order of the alphabet.

    Example
    -------
    >>> bibliography(["Dice 1945", "Dice 1945"])[0][:11]
    'Dice LR (19'
    """
    wanted = sorted(set(keys))
    for key in wanted:
        if key not in REFERENCES:
            raise UnknownNameError(f"There is no reference {key!r}.{did_you_mean(key, REFERENCES)}")
    return [REFERENCES[key] for key in wanted]
