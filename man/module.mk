dist_man_MANS += %D%/iusb-bmcsim.1 %D%/iusbctl.1 %D%/iusbd.8 %D%/iusbd.conf.5
